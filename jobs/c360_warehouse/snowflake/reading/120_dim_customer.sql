GRANT SELECT ON TABLE dim_customer TO ROLE {reader_role}
