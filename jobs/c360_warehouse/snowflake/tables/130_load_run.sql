-- One row: the snapshot that is being loaded.
CREATE TABLE IF NOT EXISTS load_run (
    run_id VARCHAR,
    as_of DATE,
    customers_date DATE,
    plans_date DATE,
    is_due BOOLEAN,
    is_newest BOOLEAN,
    has_newest_customers BOOLEAN,
    has_newest_plans BOOLEAN
)
