"""The kinds of files that hold settings."""

from __future__ import annotations

KINDS = ("project", "parameters")
"""A project file, as the state machines are deployed with; project parameters, as stages take them."""
