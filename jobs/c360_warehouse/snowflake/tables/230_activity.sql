CREATE TABLE IF NOT EXISTS activity (
    event_id VARCHAR NOT NULL,
    customer_id VARCHAR NOT NULL,
    event_type VARCHAR NOT NULL,
    event_timestamp TIMESTAMP_NTZ(6) NOT NULL,
    device_type VARCHAR,
    ip_address VARCHAR,
    network_type VARCHAR,
    old_plan_id VARCHAR,
    new_plan_id VARCHAR,
    duration_seconds FLOAT,
    mb_used FLOAT,
    amount NUMBER(12, 2),
    payload VARCHAR,
    plan_id VARCHAR,
    business_date DATE NOT NULL,
    as_of DATE NOT NULL
)
