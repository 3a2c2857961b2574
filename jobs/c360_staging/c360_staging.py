"""The script of the Glue job."""

from jobs.c360_staging.cli import main

if __name__ == "__main__":  # processes that are spawned import this, too
    main(standalone_mode=False)
