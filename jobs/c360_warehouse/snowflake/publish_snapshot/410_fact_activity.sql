INSERT OVERWRITE INTO fact_activity (
    event_id,
    customer_sk,
    customer_id,
    plan_sk,
    plan_id,
    event_type,
    event_timestamp,
    event_date,
    device_type,
    network_type,
    ip_address,
    duration_seconds,
    mb_used,
    amount,
    payload
)
SELECT
    a.event_id,
    c.customer_sk,
    a.customer_id,
    p.plan_sk,
    a.plan_id,
    a.event_type,
    a.event_timestamp,
    a.event_timestamp::DATE AS event_date,
    a.device_type,
    a.network_type,
    a.ip_address,
    a.duration_seconds,
    a.mb_used,
    a.amount,
    a.payload
FROM activity AS a
INNER JOIN dim_customer AS c
    ON a.customer_id = c.customer_id
    AND a.event_timestamp::DATE >= c.valid_from
    AND (c.valid_to IS NULL OR a.event_timestamp::DATE < c.valid_to)
INNER JOIN dim_plan AS p
    ON a.plan_id = p.plan_id
    AND a.event_timestamp::DATE >= p.valid_from
    AND (p.valid_to IS NULL OR a.event_timestamp::DATE < p.valid_to)
