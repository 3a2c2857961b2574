CREATE TABLE IF NOT EXISTS customer_snapshots (
    customer_id VARCHAR NOT NULL,
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
    business_date DATE NOT NULL,
    as_of DATE NOT NULL
)
