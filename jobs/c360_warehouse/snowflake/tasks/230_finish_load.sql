CREATE OR REPLACE TASK finish_load
WAREHOUSE = {warehouse}
TIMEZONE = 'UTC'
FINALIZE = stage_snapshot
AS
CALL finish_load()
