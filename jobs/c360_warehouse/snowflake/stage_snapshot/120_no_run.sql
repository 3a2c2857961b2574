DELETE FROM load_run
