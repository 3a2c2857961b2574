DELETE FROM load_problem
