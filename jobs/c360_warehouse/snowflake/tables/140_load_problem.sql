CREATE TABLE IF NOT EXISTS load_problem (
    problem VARCHAR NOT NULL
)
