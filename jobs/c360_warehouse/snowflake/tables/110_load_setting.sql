CREATE OR REPLACE TABLE load_setting AS
SELECT {least_resolved_share}::FLOAT AS least_resolved_share
