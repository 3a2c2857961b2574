INSERT INTO load_problem (problem)
SELECT 'manifest.json has format ' || COALESCE(m.document:format::VARCHAR, 'null') || ', not 1'
FROM load_manifest AS m
WHERE m.document:format::VARCHAR IS DISTINCT FROM '1'
UNION ALL
SELECT 'manifest.json has no run or no as-of date'
FROM load_run AS r
WHERE r.run_id IS NULL OR r.as_of IS NULL
UNION ALL
SELECT 'manifest.json has the file name ' || f.value:name::VARCHAR
FROM load_manifest AS m,
    LATERAL FLATTEN(input => m.document:tables) AS t,
    LATERAL FLATTEN(input => t.value:files) AS f
WHERE f.value:name::VARCHAR LIKE '%''%'
