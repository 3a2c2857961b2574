"""Types that many tests share."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
"""A row of a table by column name."""

Run = tuple[int, dict[str, Any], str]
"""The exit code of a command, its run report (empty if it failed), and what it wrote to stderr."""
