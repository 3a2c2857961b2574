GRANT SELECT ON TABLE customer_360 TO ROLE {reader_role}
