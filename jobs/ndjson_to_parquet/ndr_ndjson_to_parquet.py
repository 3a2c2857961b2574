"""The script of the Glue job."""

from jobs.ndjson_to_parquet.cli import main

if __name__ == "__main__":  # processes that are spawned import this, too
    main(standalone_mode=False)
