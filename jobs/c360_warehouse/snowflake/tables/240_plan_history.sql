CREATE TABLE IF NOT EXISTS plan_history (
    customer_id VARCHAR NOT NULL,
    plan_id VARCHAR,
    valid_from TIMESTAMP_NTZ(6) NOT NULL,
    valid_to TIMESTAMP_NTZ(6),
    source VARCHAR NOT NULL,
    is_conflict BOOLEAN NOT NULL
)
