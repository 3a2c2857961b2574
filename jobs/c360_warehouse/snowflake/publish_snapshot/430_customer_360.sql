-- Today is the greatest as-of date that is loaded. 30 days are today and the 29 days before.
INSERT OVERWRITE INTO customer_360 (
    customer_id,
    customer_sk,
    is_current,
    plan_id,
    plan_name,
    tenure_days,
    status,
    status_history,
    events_30d,
    mb_30d,
    call_minutes_30d,
    spend_30d,
    events_90d,
    mb_90d,
    call_minutes_90d,
    spend_90d,
    last_contact,
    plan_changes
)
WITH today AS (
    SELECT MAX(as_of) AS as_of
    FROM load_log
    WHERE status = 'loaded'
),

versions AS (
    SELECT
        *,
        MIN(valid_from) OVER (PARTITION BY customer_id) AS first_valid_from,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY valid_from DESC) AS versions_after,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY valid_from) AS version,
        LAG(status) OVER (PARTITION BY customer_id ORDER BY valid_from) AS former_status
    FROM dim_customer
),

statuses AS (
    SELECT
        customer_id,
        LISTAGG(COALESCE(status, 'unknown') || '@' || TO_VARCHAR(valid_from, 'YYYY-MM-DD'), ',')
            WITHIN GROUP (ORDER BY valid_from) AS status_history
    FROM versions
    WHERE version = 1 OR status IS DISTINCT FROM former_status
    GROUP BY customer_id
),

plans_now AS (
    SELECT
        h.customer_id,
        h.plan_id
    FROM plan_history AS h
    CROSS JOIN today AS t
    WHERE h.valid_from::DATE <= t.as_of AND (h.valid_to IS NULL OR h.valid_to::DATE > t.as_of)
),

plan_change_counts AS (
    SELECT
        h.customer_id,
        COUNT_IF(h.plan_id <> h.former_plan_id) AS plan_changes
    FROM (
        SELECT
            customer_id,
            plan_id,
            LAG(plan_id) OVER (PARTITION BY customer_id ORDER BY valid_from) AS former_plan_id
        FROM plan_history
        CROSS JOIN today
        WHERE plan_id IS NOT NULL AND valid_from::DATE <= as_of
    ) AS h
    GROUP BY h.customer_id
),

use_counts AS (
    SELECT
        f.customer_id,
        COUNT_IF(f.event_date > DATEADD(day, -30, t.as_of)) AS events_30d,
        ROUND(SUM(IFF(f.event_date > DATEADD(day, -30, t.as_of), COALESCE(f.mb_used, 0), 0)), 3) AS mb_30d,
        ROUND(SUM(IFF(f.event_date > DATEADD(day, -30, t.as_of), COALESCE(f.duration_seconds, 0), 0)) / 60, 3)
            AS call_minutes_30d,
        SUM(IFF(f.event_date > DATEADD(day, -30, t.as_of), COALESCE(f.amount, 0), 0)) AS spend_30d,
        COUNT_IF(f.event_date > DATEADD(day, -90, t.as_of)) AS events_90d,
        ROUND(SUM(IFF(f.event_date > DATEADD(day, -90, t.as_of), COALESCE(f.mb_used, 0), 0)), 3) AS mb_90d,
        ROUND(SUM(IFF(f.event_date > DATEADD(day, -90, t.as_of), COALESCE(f.duration_seconds, 0), 0)) / 60, 3)
            AS call_minutes_90d,
        SUM(IFF(f.event_date > DATEADD(day, -90, t.as_of), COALESCE(f.amount, 0), 0)) AS spend_90d,
        MAX(f.event_timestamp) AS last_contact
    FROM fact_activity AS f
    CROSS JOIN today AS t
    WHERE f.event_date <= t.as_of
    GROUP BY f.customer_id
)

SELECT
    v.customer_id,
    v.customer_sk,
    v.valid_to IS NULL AS is_current,
    h.plan_id,
    p.plan_name,
    DATEDIFF(day, v.first_valid_from, COALESCE(v.valid_to, t.as_of)) AS tenure_days,
    v.status,
    s.status_history,
    COALESCE(u.events_30d, 0) AS events_30d,
    COALESCE(u.mb_30d, 0) AS mb_30d,
    COALESCE(u.call_minutes_30d, 0) AS call_minutes_30d,
    COALESCE(u.spend_30d, 0) AS spend_30d,
    COALESCE(u.events_90d, 0) AS events_90d,
    COALESCE(u.mb_90d, 0) AS mb_90d,
    COALESCE(u.call_minutes_90d, 0) AS call_minutes_90d,
    COALESCE(u.spend_90d, 0) AS spend_90d,
    u.last_contact,
    COALESCE(c.plan_changes, 0) AS plan_changes
FROM versions AS v
CROSS JOIN today AS t
INNER JOIN statuses AS s ON v.customer_id = s.customer_id
LEFT JOIN plans_now AS h ON v.customer_id = h.customer_id
LEFT JOIN dim_plan AS p
    ON h.plan_id = p.plan_id
    AND t.as_of >= p.valid_from
    AND (p.valid_to IS NULL OR t.as_of < p.valid_to)
LEFT JOIN plan_change_counts AS c ON v.customer_id = c.customer_id
LEFT JOIN use_counts AS u ON v.customer_id = u.customer_id
WHERE v.versions_after = 1
