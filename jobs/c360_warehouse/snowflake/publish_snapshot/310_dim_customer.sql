-- A version starts on a day whose snapshot has a row that the snapshot before does not have: EXCEPT compares nulls too.
-- It ends where the next one starts, or on the first day that has no row of the customer.
INSERT OVERWRITE INTO dim_customer (
    customer_sk,
    customer_id,
    plan_id,
    first_name,
    last_name,
    email,
    phone,
    gender,
    date_of_birth,
    address,
    state,
    country,
    registration_date,
    registration_channel,
    status,
    ip_ranges,
    valid_from,
    valid_to
)
WITH days AS (
    SELECT
        d.business_date,
        LEAD(d.business_date) OVER (ORDER BY d.business_date) AS next_date
    FROM (
        SELECT DISTINCT customers_date AS business_date
        FROM load_log
        WHERE status = 'loaded' AND customers_date IS NOT NULL
    ) AS d
),

starts AS (
    SELECT
        customer_id,
        plan_id,
        first_name,
        last_name,
        email,
        phone,
        gender,
        date_of_birth,
        address,
        state,
        country,
        registration_date,
        registration_channel,
        status,
        ip_ranges,
        business_date
    FROM customer_snapshots
    EXCEPT
    SELECT
        s.customer_id,
        s.plan_id,
        s.first_name,
        s.last_name,
        s.email,
        s.phone,
        s.gender,
        s.date_of_birth,
        s.address,
        s.state,
        s.country,
        s.registration_date,
        s.registration_channel,
        s.status,
        s.ip_ranges,
        d.next_date
    FROM customer_snapshots AS s
    INNER JOIN days AS d ON s.business_date = d.business_date
),

ends AS (
    SELECT
        s.customer_id,
        d.next_date AS business_date
    FROM customer_snapshots AS s
    INNER JOIN days AS d ON s.business_date = d.business_date
    WHERE d.next_date IS NOT NULL
    EXCEPT
    SELECT
        customer_id,
        business_date
    FROM customer_snapshots
),

bounds AS (
    SELECT
        b.customer_id,
        b.business_date,
        LEAD(b.business_date) OVER (PARTITION BY b.customer_id ORDER BY b.business_date) AS valid_to,
        ROW_NUMBER() OVER (PARTITION BY b.customer_id ORDER BY b.business_date) AS version
    FROM (
        SELECT customer_id, business_date FROM starts
        UNION ALL
        SELECT customer_id, business_date FROM ends
    ) AS b
),

versions AS (
    SELECT
        s.customer_id,
        s.plan_id,
        s.first_name,
        s.last_name,
        s.email,
        s.phone,
        s.gender,
        s.date_of_birth,
        s.address,
        s.state,
        s.country,
        s.registration_date,
        s.registration_channel,
        s.status,
        s.ip_ranges,
        IFF(
            b.version = 1, LEAST(s.business_date, COALESCE(s.registration_date, s.business_date)), s.business_date
        ) AS valid_from,
        b.valid_to
    FROM starts AS s
    INNER JOIN bounds AS b ON s.customer_id = b.customer_id AND s.business_date = b.business_date
)

SELECT
    SHA2(customer_id || '|' || TO_VARCHAR(valid_from, 'YYYY-MM-DD'), 256) AS customer_sk,
    customer_id,
    plan_id,
    first_name,
    last_name,
    email,
    phone,
    gender,
    date_of_birth,
    address,
    state,
    country,
    registration_date,
    registration_channel,
    status,
    ip_ranges,
    valid_from,
    valid_to
FROM versions
