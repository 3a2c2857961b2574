"""One module for each log format; `common.logs.registry` lists them."""
