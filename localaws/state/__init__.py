"""State that survives a restart: an SQLite store, ministack's state and DynamoDB items in it, and an S3 client."""
