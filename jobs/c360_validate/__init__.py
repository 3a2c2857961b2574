"""Sorts delivered files into those that are what their folder says, and the others."""
