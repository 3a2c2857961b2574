DROP TABLE IF EXISTS staged_plan_history
