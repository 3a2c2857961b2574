INSERT INTO customer_snapshots (
    customer_id,
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
    plan_id,
    status,
    ip_ranges,
    business_date,
    as_of
)
SELECT
    s.customer_id,
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
    s.plan_id,
    s.status,
    s.ip_ranges,
    s.business_date,
    r.as_of
FROM staged_customers AS s
CROSS JOIN load_run AS r
WHERE r.has_newest_customers
