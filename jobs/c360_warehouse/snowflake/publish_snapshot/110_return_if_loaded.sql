SELECT MAX('nothing is due') AS outcome
FROM (SELECT COUNT_IF(is_due) AS due_runs FROM load_run) AS r
WHERE r.due_runs = 0
