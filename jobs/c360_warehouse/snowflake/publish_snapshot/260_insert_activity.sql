INSERT INTO activity (
    event_id,
    customer_id,
    event_type,
    event_timestamp,
    device_type,
    ip_address,
    network_type,
    old_plan_id,
    new_plan_id,
    duration_seconds,
    mb_used,
    amount,
    payload,
    plan_id,
    business_date,
    as_of
)
SELECT
    s.event_id,
    s.customer_id,
    s.event_type,
    s.event_timestamp,
    s.device_type,
    s.ip_address,
    s.network_type,
    s.old_plan_id,
    s.new_plan_id,
    s.duration_seconds,
    s.mb_used,
    s.amount,
    s.payload,
    s.plan_id,
    s.business_date,
    r.as_of
FROM staged_activity_logs AS s
CROSS JOIN load_run AS r
LEFT JOIN activity AS a ON s.event_id = a.event_id
WHERE a.event_id IS NULL
