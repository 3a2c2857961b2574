CREATE OR REPLACE TRANSIENT TABLE staged_customers (
    customer_id VARCHAR,
    first_name VARCHAR,
    last_name VARCHAR,
    email VARCHAR,
    phone VARCHAR,
    gender VARCHAR,
    date_of_birth DATE,
    address VARCHAR,
    state VARCHAR,
    country VARCHAR,
    registration_date DATE,
    registration_channel VARCHAR,
    plan_id VARCHAR,
    status VARCHAR,
    ip_ranges VARCHAR,
    business_date DATE
)
