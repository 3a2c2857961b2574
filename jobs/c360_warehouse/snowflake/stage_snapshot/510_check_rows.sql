INSERT INTO load_problem (problem)
SELECT
    staged.table_name || ' has ' || staged.row_count || ' rows, and '
    || COALESCE(told.row_count::VARCHAR, 'none') || ' in the manifest'
FROM (
    SELECT 'customers' AS table_name, COUNT(*) AS row_count FROM staged_customers
    UNION ALL
    SELECT 'plans' AS table_name, COUNT(*) AS row_count FROM staged_plans
    UNION ALL
    SELECT 'activity_logs' AS table_name, COUNT(*) AS row_count FROM staged_activity_logs
    UNION ALL
    SELECT 'plan_history' AS table_name, COUNT(*) AS row_count FROM staged_plan_history
) AS staged
LEFT JOIN (
    SELECT
        t.key AS table_name,
        t.value:rows::NUMBER(38, 0) AS row_count
    FROM load_manifest AS m,
        LATERAL FLATTEN(input => m.document:tables) AS t
) AS told ON staged.table_name = told.table_name
WHERE staged.row_count IS DISTINCT FROM told.row_count
