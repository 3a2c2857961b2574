"""Checks of the definitions of the state machines."""
