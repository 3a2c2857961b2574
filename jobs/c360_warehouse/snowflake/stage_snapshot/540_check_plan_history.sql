INSERT INTO load_problem (problem)
SELECT
    'plan_history has ' || COUNT(*) || ' intervals that overlap or do not end after they begin, like '
    || MIN(h.customer_id)
FROM (
    SELECT
        customer_id,
        valid_from,
        valid_to,
        LEAD(valid_from) OVER (PARTITION BY customer_id ORDER BY valid_from) AS next_from
    FROM staged_plan_history
) AS h
WHERE h.valid_to <= h.valid_from OR (h.next_from IS NOT NULL AND (h.valid_to IS NULL OR h.valid_to > h.next_from))
HAVING COUNT(*) > 0
