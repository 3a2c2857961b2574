GRANT SELECT ON TABLE dim_plan TO ROLE {reader_role}
