"""Writes the NDJSON files of a manifest as Parquet."""
