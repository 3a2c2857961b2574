-- An event is as the greatest as-of date says: the order of loads does not matter. No event is lost.
DELETE FROM activity
USING staged_activity_logs AS s, load_run AS r
WHERE activity.event_id = s.event_id AND activity.as_of <= r.as_of
