DROP TABLE IF EXISTS staged_customers
