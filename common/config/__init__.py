"""Settings of a project, typed and checked, and where they are read from."""
