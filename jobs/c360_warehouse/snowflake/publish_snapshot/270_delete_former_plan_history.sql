DELETE FROM plan_history
WHERE (SELECT is_newest FROM load_run)
