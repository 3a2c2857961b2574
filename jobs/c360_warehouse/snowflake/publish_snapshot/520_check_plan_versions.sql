INSERT INTO load_problem (problem)
SELECT
    'dim_plan has ' || COUNT(*) || ' versions that overlap or do not end after they begin, like '
    || MIN(v.plan_id)
FROM (
    SELECT
        plan_id,
        valid_from,
        valid_to,
        LEAD(valid_from) OVER (PARTITION BY plan_id ORDER BY valid_from) AS next_from
    FROM dim_plan
) AS v
WHERE v.valid_to <= v.valid_from OR (v.next_from IS NOT NULL AND (v.valid_to IS NULL OR v.valid_to > v.next_from))
HAVING COUNT(*) > 0
