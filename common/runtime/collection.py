"""The end of a command, at which no garbage is collected: that would be a tenth of a command of one second."""

from __future__ import annotations

import atexit
import gc
import sys


def leave_uncollected() -> None:
    """From now on, what is left at exit stays as it is, unless DuckDB would print each of its objects."""
    atexit.register(_leave)


def _leave() -> None:
    if "duckdb" not in sys.modules:
        gc.freeze()
