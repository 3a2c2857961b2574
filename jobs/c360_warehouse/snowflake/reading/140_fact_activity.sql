GRANT SELECT ON TABLE fact_activity TO ROLE {reader_role}
