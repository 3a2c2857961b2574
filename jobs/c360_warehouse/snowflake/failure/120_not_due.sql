UPDATE load_run SET is_due = FALSE
