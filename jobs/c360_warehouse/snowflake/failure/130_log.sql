INSERT INTO load_log (
    load_number,
    run_id,
    as_of,
    customers_date,
    plans_date,
    status,
    reason,
    logged_at
)
SELECT
    (SELECT COALESCE(MAX(load_number), 0) + 1 FROM load_log),
    r.run_id,
    r.as_of,
    r.customers_date,
    r.plans_date,
    'failed',
    :reason,
    CURRENT_TIMESTAMP()::TIMESTAMP_NTZ(6)
FROM (SELECT 1 AS one) AS o
LEFT JOIN load_run AS r ON o.one = 1
