GRANT ROLE {reader_role} TO ROLE {loader_role}
