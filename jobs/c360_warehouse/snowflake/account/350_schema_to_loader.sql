GRANT ALL PRIVILEGES ON SCHEMA {database}.{schema} TO ROLE {loader_role}
