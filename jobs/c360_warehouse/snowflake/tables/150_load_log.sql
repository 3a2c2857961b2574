CREATE TABLE IF NOT EXISTS load_log (
    load_number NUMBER(38, 0) NOT NULL,
    run_id VARCHAR,
    as_of DATE,
    customers_date DATE,
    plans_date DATE,
    status VARCHAR NOT NULL,
    reason VARCHAR,
    logged_at TIMESTAMP_NTZ(6) NOT NULL
)
