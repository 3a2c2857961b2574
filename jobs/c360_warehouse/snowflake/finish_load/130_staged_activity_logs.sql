DROP TABLE IF EXISTS staged_activity_logs
