GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {loader_role}
