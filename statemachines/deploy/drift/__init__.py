"""Drift: what is deployed against what was deployed, property by property."""
