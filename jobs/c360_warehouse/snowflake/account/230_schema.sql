CREATE SCHEMA IF NOT EXISTS {database}.{schema}
