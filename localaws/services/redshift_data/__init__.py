"""The Redshift Data API over DuckDB."""
