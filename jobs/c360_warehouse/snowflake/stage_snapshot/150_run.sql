-- What a later as-of date has said already stays: the order of loads does not matter.
INSERT INTO load_run (
    run_id,
    as_of,
    customers_date,
    plans_date,
    is_due,
    is_newest,
    has_newest_customers,
    has_newest_plans
)
WITH loaded AS (
    SELECT * FROM load_log WHERE status = 'loaded'
),

run AS (
    SELECT
        document:run_id::VARCHAR AS run_id,
        document:as_of::DATE AS as_of,
        document:tables.customers.business_date::DATE AS customers_date,
        document:tables.plans.business_date::DATE AS plans_date
    FROM load_manifest
)

SELECT
    run.run_id,
    run.as_of,
    run.customers_date,
    run.plans_date,
    run.run_id IS DISTINCT FROM (
        SELECT run_id FROM loaded WHERE load_number = (SELECT MAX(load_number) FROM loaded)
    ) OR (SELECT COUNT(*) FROM load_request) > 0 AS is_due,
    COUNT(loaded.as_of) = 0 AS is_newest,
    COUNT_IF(loaded.customers_date = run.customers_date) = 0 AS has_newest_customers,
    COUNT_IF(loaded.plans_date = run.plans_date) = 0 AS has_newest_plans
FROM run
LEFT JOIN loaded ON run.as_of < loaded.as_of
GROUP BY run.run_id, run.as_of, run.customers_date, run.plans_date
