INSERT INTO load_problem (problem)
SELECT
    k.table_name || ' has ' || COUNT(*) || ' keys that are null or not unique, like '
    || COALESCE(MIN(k.key_value), 'null')
FROM (
    SELECT 'customers' AS table_name, customer_id AS key_value, COUNT(*) AS row_count
    FROM staged_customers GROUP BY customer_id
    UNION ALL
    SELECT 'plans' AS table_name, plan_id AS key_value, COUNT(*) AS row_count
    FROM staged_plans GROUP BY plan_id
    UNION ALL
    SELECT 'activity_logs' AS table_name, event_id AS key_value, COUNT(*) AS row_count
    FROM staged_activity_logs GROUP BY event_id
    UNION ALL
    SELECT
        'plan_history' AS table_name,
        customer_id || ' ' || TO_VARCHAR(valid_from, 'YYYY-MM-DD HH24:MI:SS') AS key_value,
        COUNT(*) AS row_count
    FROM staged_plan_history GROUP BY customer_id, valid_from
) AS k
WHERE k.row_count > 1 OR k.key_value IS NULL
GROUP BY k.table_name
