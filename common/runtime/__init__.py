"""What runs a stage: command line, engine, run report, catalog of commands."""
