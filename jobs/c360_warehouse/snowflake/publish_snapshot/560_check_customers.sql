INSERT INTO load_problem (problem)
SELECT 'customer_360 has ' || n.row_count || ' rows of ' || n.customers || ' customers'
FROM (
    SELECT
        (SELECT COUNT(*) FROM customer_360) AS row_count,
        (SELECT COUNT(DISTINCT customer_id) FROM dim_customer) AS customers
) AS n
WHERE n.row_count <> n.customers
