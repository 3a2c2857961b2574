"""Starts, stops and inspects the local AWS."""
