CREATE TABLE IF NOT EXISTS fact_activity_unresolved (
    event_id VARCHAR NOT NULL,
    customer_id VARCHAR NOT NULL,
    plan_id VARCHAR,
    event_timestamp TIMESTAMP_NTZ(6) NOT NULL,
    reason VARCHAR NOT NULL
)
