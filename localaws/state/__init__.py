"""What the local AWS keeps, in memory and on disk."""
