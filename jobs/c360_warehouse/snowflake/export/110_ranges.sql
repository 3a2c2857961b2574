SELECT
    TRIM(r.value::VARCHAR) AS ip_range,
    c.customer_id,
    c.plan_id,
    c.state AS region
FROM dim_customer AS c,
    LATERAL FLATTEN(input => SPLIT(c.ip_ranges, ',')) AS r
WHERE c.valid_to IS NULL AND TRIM(r.value::VARCHAR) <> ''
ORDER BY ip_range, c.customer_id
