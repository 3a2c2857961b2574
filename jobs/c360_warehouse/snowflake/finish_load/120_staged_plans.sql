DROP TABLE IF EXISTS staged_plans
