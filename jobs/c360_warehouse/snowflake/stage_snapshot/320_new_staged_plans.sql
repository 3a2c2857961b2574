CREATE OR REPLACE TRANSIENT TABLE staged_plans (
    plan_id VARCHAR,
    plan_name VARCHAR,
    monthly_price NUMBER(12, 2),
    currency VARCHAR,
    data_allowance_gb FLOAT,
    voice_minutes NUMBER(38, 0),
    sms_allowance NUMBER(38, 0),
    roaming_enabled BOOLEAN,
    validity_days NUMBER(38, 0),
    plan_category VARCHAR,
    business_date DATE
)
