"""NDJSON ingestion: the items of the tracking table, their states, and the manifest document."""
