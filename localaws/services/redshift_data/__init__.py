"""The Redshift Data API: `handlers` takes requests, `engine` runs their statements in DuckDB, `records` keeps them.

`dialect` translates SQL; `unload` and `copy` implement the two statements that DuckDB lacks.
"""
