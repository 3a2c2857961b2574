INSERT INTO plan_history (
    customer_id,
    plan_id,
    valid_from,
    valid_to,
    source,
    is_conflict
)
SELECT
    s.customer_id,
    s.plan_id,
    s.valid_from,
    s.valid_to,
    s.source,
    s.is_conflict
FROM staged_plan_history AS s
CROSS JOIN load_run AS r
WHERE r.is_newest
