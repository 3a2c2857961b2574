"""The server process: `plugin` adds services to ministack, `patching` checks and replaces its private functions."""
