CREATE OR REPLACE TRANSIENT TABLE staged_activity_logs (
    event_id VARCHAR,
    customer_id VARCHAR,
    event_type VARCHAR,
    event_timestamp TIMESTAMP_NTZ(6),
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
    business_date DATE
)
