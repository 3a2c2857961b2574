INSERT OVERWRITE INTO fact_activity_unresolved (
    event_id,
    customer_id,
    plan_id,
    event_timestamp,
    reason
)
SELECT
    a.event_id,
    a.customer_id,
    a.plan_id,
    a.event_timestamp,
    CASE
        WHEN k.customer_id IS NULL THEN 'unknown_customer'
        WHEN a.event_timestamp::DATE < k.first_valid_from THEN 'before_registration'
        WHEN c.customer_sk IS NULL THEN 'customer_closed'
        WHEN a.plan_id IS NULL THEN 'no_plan'
        WHEN q.plan_id IS NULL THEN 'unknown_plan'
        ELSE 'plan_not_valid'
    END AS reason
FROM activity AS a
LEFT JOIN fact_activity AS f ON a.event_id = f.event_id
LEFT JOIN (
    SELECT
        customer_id,
        MIN(valid_from) AS first_valid_from
    FROM dim_customer
    GROUP BY customer_id
) AS k ON a.customer_id = k.customer_id
LEFT JOIN dim_customer AS c
    ON a.customer_id = c.customer_id
    AND a.event_timestamp::DATE >= c.valid_from
    AND (c.valid_to IS NULL OR a.event_timestamp::DATE < c.valid_to)
LEFT JOIN (
    SELECT DISTINCT plan_id
    FROM dim_plan
) AS q ON a.plan_id = q.plan_id
WHERE f.event_id IS NULL
