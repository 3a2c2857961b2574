INSERT INTO load_log (
    load_number,
    run_id,
    as_of,
    customers_date,
    plans_date,
    status,
    logged_at
)
SELECT
    (SELECT COALESCE(MAX(load_number), 0) + 1 FROM load_log),
    run_id,
    as_of,
    customers_date,
    plans_date,
    'loaded',
    CURRENT_TIMESTAMP()::TIMESTAMP_NTZ(6)
FROM load_run
