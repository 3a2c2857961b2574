GRANT USAGE ON INTEGRATION {integration} TO ROLE {loader_role}
