"""Types and normalises the rows of the archive, day by day."""
