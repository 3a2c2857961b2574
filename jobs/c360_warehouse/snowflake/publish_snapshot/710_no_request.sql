DELETE FROM load_request
