CREATE OR REPLACE STAGE staging
URL = '{staging}/'
STORAGE_INTEGRATION = {integration}
FILE_FORMAT = (FORMAT_NAME = 'staged_parquet')
