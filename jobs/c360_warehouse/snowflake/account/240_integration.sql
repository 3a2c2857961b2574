-- Snowflake makes the external id, which the role must ask for, and reads the zone staging only.
CREATE STORAGE INTEGRATION IF NOT EXISTS {integration}
TYPE = EXTERNAL_STAGE
STORAGE_PROVIDER = 'S3'
ENABLED = TRUE
STORAGE_AWS_ROLE_ARN = '{aws_role_arn}'
STORAGE_ALLOWED_LOCATIONS = ('{staging}/')
