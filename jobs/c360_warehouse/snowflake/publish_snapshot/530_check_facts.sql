INSERT INTO load_problem (problem)
SELECT 'of ' || n.events || ' events, ' || n.facts || ' are facts and ' || n.unresolved || ' are not'
FROM (
    SELECT
        (SELECT COUNT(*) FROM activity) AS events,
        (SELECT COUNT(*) FROM fact_activity) AS facts,
        (SELECT COUNT(DISTINCT event_id) FROM fact_activity) AS distinct_facts,
        (SELECT COUNT(*) FROM fact_activity_unresolved) AS unresolved
) AS n
WHERE n.events <> n.facts + n.unresolved OR n.facts <> n.distinct_facts
