SELECT MAX('run ' || run_id || ' is loaded already') AS outcome
FROM load_run
WHERE NOT is_due
