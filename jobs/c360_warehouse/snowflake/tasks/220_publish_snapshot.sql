CREATE OR REPLACE TASK publish_snapshot
WAREHOUSE = {warehouse}
TIMEZONE = 'UTC'
AFTER stage_snapshot
AS
CALL publish_snapshot()
