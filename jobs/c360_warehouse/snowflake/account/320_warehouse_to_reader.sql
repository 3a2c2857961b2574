GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {reader_role}
