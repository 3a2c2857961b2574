INSERT INTO plan_snapshots (
    plan_id,
    plan_name,
    monthly_price,
    currency,
    data_allowance_gb,
    voice_minutes,
    sms_allowance,
    roaming_enabled,
    validity_days,
    plan_category,
    business_date,
    as_of
)
SELECT
    s.plan_id,
    s.plan_name,
    s.monthly_price,
    s.currency,
    s.data_allowance_gb,
    s.voice_minutes,
    s.sms_allowance,
    s.roaming_enabled,
    s.validity_days,
    s.plan_category,
    s.business_date,
    r.as_of
FROM staged_plans AS s
CROSS JOIN load_run AS r
WHERE r.has_newest_plans
