ALTER TASK finish_load RESUME
