DELETE FROM plan_snapshots
WHERE
    business_date = (SELECT plans_date FROM load_run)
    AND (SELECT has_newest_plans FROM load_run)
