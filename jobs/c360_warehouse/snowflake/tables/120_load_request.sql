CREATE TABLE IF NOT EXISTS load_request (
    requested_at TIMESTAMP_NTZ(6) NOT NULL
)
