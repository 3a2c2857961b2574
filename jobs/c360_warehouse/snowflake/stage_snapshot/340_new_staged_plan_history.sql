CREATE OR REPLACE TRANSIENT TABLE staged_plan_history (
    customer_id VARCHAR,
    plan_id VARCHAR,
    valid_from TIMESTAMP_NTZ(6),
    valid_to TIMESTAMP_NTZ(6),
    source VARCHAR,
    is_conflict BOOLEAN
)
