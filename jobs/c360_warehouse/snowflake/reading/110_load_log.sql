GRANT SELECT ON TABLE load_log TO ROLE {reader_role}
