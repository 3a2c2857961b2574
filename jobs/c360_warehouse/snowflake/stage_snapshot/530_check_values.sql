INSERT INTO load_problem (problem)
SELECT v.problem || ' in ' || COUNT(*) || ' rows, like ' || COALESCE(MIN(v.key_value), 'null')
FROM (
    SELECT 'customers.business_date is not that of the manifest' AS problem, s.customer_id AS key_value
    FROM staged_customers AS s CROSS JOIN load_run AS r
    WHERE s.business_date IS DISTINCT FROM r.customers_date
    UNION ALL
    SELECT 'plans.business_date is not that of the manifest' AS problem, s.plan_id AS key_value
    FROM staged_plans AS s CROSS JOIN load_run AS r
    WHERE s.business_date IS DISTINCT FROM r.plans_date
    UNION ALL
    SELECT 'business_date is after the as-of date' AS problem, s.customer_id AS key_value
    FROM staged_customers AS s CROSS JOIN load_run AS r
    WHERE s.business_date > r.as_of
    UNION ALL
    SELECT 'business_date is after the as-of date' AS problem, s.plan_id AS key_value
    FROM staged_plans AS s CROSS JOIN load_run AS r
    WHERE s.business_date > r.as_of
    UNION ALL
    SELECT 'business_date is after the as-of date' AS problem, s.event_id AS key_value
    FROM staged_activity_logs AS s CROSS JOIN load_run AS r
    WHERE s.business_date > r.as_of
    UNION ALL
    SELECT 'plans has a negative price or allowance' AS problem, plan_id AS key_value
    FROM staged_plans
    WHERE LEAST(
        COALESCE(monthly_price, 0),
        COALESCE(data_allowance_gb, 0),
        COALESCE(voice_minutes, 0),
        COALESCE(sms_allowance, 0),
        COALESCE(validity_days, 0)
    ) < 0
    UNION ALL
    SELECT 'activity_logs has a negative usage' AS problem, event_id AS key_value
    FROM staged_activity_logs
    WHERE LEAST(COALESCE(duration_seconds, 0), COALESCE(mb_used, 0)) < 0
    UNION ALL
    SELECT 'activity_logs lacks a customer, type or time' AS problem, event_id AS key_value
    FROM staged_activity_logs
    WHERE customer_id IS NULL OR event_type IS NULL OR event_timestamp IS NULL OR business_date IS NULL
) AS v
GROUP BY v.problem
