-- A version starts on a day whose snapshot has a row that the snapshot before does not have: EXCEPT compares nulls too.
-- It ends where the next one starts, or on the first day that has no row of the plan.
INSERT OVERWRITE INTO dim_plan (
    plan_sk,
    plan_id,
    plan_name,
    monthly_price,
    currency,
    data_allowance_gb,
    voice_minutes,
    sms_allowance,
    roaming_enabled,
    validity_days,
    plan_category,
    valid_from,
    valid_to
)
WITH days AS (
    SELECT
        d.business_date,
        LEAD(d.business_date) OVER (ORDER BY d.business_date) AS next_date
    FROM (
        SELECT DISTINCT plans_date AS business_date
        FROM load_log
        WHERE status = 'loaded' AND plans_date IS NOT NULL
    ) AS d
),

starts AS (
    SELECT
        plan_id,
        plan_name,
        monthly_price,
        currency,
        data_allowance_gb,
        voice_minutes,
        sms_allowance,
        roaming_enabled,
        validity_days,
        plan_category,
        business_date
    FROM plan_snapshots
    EXCEPT
    SELECT
        s.plan_id,
        s.plan_name,
        s.monthly_price,
        s.currency,
        s.data_allowance_gb,
        s.voice_minutes,
        s.sms_allowance,
        s.roaming_enabled,
        s.validity_days,
        s.plan_category,
        d.next_date
    FROM plan_snapshots AS s
    INNER JOIN days AS d ON s.business_date = d.business_date
),

ends AS (
    SELECT
        s.plan_id,
        d.next_date AS business_date
    FROM plan_snapshots AS s
    INNER JOIN days AS d ON s.business_date = d.business_date
    WHERE d.next_date IS NOT NULL
    EXCEPT
    SELECT
        plan_id,
        business_date
    FROM plan_snapshots
),

bounds AS (
    SELECT
        b.plan_id,
        b.business_date,
        LEAD(b.business_date) OVER (PARTITION BY b.plan_id ORDER BY b.business_date) AS valid_to,
        ROW_NUMBER() OVER (PARTITION BY b.plan_id ORDER BY b.business_date) AS version
    FROM (
        SELECT plan_id, business_date FROM starts
        UNION ALL
        SELECT plan_id, business_date FROM ends
    ) AS b
),

versions AS (
    SELECT
        s.plan_id,
        s.plan_name,
        s.monthly_price,
        s.currency,
        s.data_allowance_gb,
        s.voice_minutes,
        s.sms_allowance,
        s.roaming_enabled,
        s.validity_days,
        s.plan_category,
        IFF(
            s.business_date = (SELECT MIN(business_date) FROM days), '1970-01-01'::DATE, s.business_date
        ) AS valid_from,
        b.valid_to
    FROM starts AS s
    INNER JOIN bounds AS b ON s.plan_id = b.plan_id AND s.business_date = b.business_date
)

SELECT
    SHA2(plan_id || '|' || TO_VARCHAR(valid_from, 'YYYY-MM-DD'), 256) AS plan_sk,
    plan_id,
    plan_name,
    monthly_price,
    currency,
    data_allowance_gb,
    voice_minutes,
    sms_allowance,
    roaming_enabled,
    validity_days,
    plan_category,
    valid_from,
    valid_to
FROM versions
