INSERT INTO load_problem (problem)
SELECT
    n.facts || ' of ' || n.events || ' events are resolved to a customer and a plan, less than the share '
    || s.least_resolved_share
FROM (
    SELECT
        (SELECT COUNT(*) FROM activity) AS events,
        (SELECT COUNT(*) FROM fact_activity) AS facts
) AS n
CROSS JOIN load_setting AS s
WHERE n.facts < s.least_resolved_share * n.events
