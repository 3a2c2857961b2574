"""Project parameters: their types and checks, and the sources they are read from."""
