"""The Delta tables of a lake."""
