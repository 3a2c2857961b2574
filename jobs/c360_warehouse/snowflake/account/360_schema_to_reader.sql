GRANT USAGE ON SCHEMA {database}.{schema} TO ROLE {reader_role}
