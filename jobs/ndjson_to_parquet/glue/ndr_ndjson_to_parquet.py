from jobs.ndjson_to_parquet.cli import main

main(standalone_mode=False)
