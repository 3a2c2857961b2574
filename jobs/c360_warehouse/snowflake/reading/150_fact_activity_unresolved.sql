GRANT SELECT ON TABLE fact_activity_unresolved TO ROLE {reader_role}
