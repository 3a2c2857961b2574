INSERT INTO load_problem (problem)
SELECT COUNT(*) || ' facts refer to a version that is not there, like ' || MIN(f.event_id)
FROM fact_activity AS f
LEFT JOIN dim_customer AS c ON f.customer_sk = c.customer_sk
LEFT JOIN dim_plan AS p ON f.plan_sk = p.plan_sk
WHERE c.customer_sk IS NULL OR p.plan_sk IS NULL
HAVING COUNT(*) > 0
