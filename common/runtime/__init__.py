"""How a stage runs: command line, engine, report, catalog."""
