CREATE TABLE IF NOT EXISTS fact_activity (
    event_id VARCHAR NOT NULL,
    customer_sk VARCHAR NOT NULL,
    customer_id VARCHAR NOT NULL,
    plan_sk VARCHAR NOT NULL,
    plan_id VARCHAR NOT NULL,
    event_type VARCHAR NOT NULL,
    event_timestamp TIMESTAMP_NTZ(6) NOT NULL,
    event_date DATE NOT NULL,
    device_type VARCHAR,
    network_type VARCHAR,
    ip_address VARCHAR,
    duration_seconds FLOAT,
    mb_used FLOAT,
    amount NUMBER(12, 2),
    payload VARCHAR
)
