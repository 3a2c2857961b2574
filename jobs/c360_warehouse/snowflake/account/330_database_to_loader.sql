GRANT USAGE ON DATABASE {database} TO ROLE {loader_role}
