GRANT USAGE ON DATABASE {database} TO ROLE {reader_role}
