"""Garbage collection of a command: rarely, and not at its end, which would be a tenth of a command of one second."""

from __future__ import annotations

import atexit
import gc
import sys

OBJECTS = 50_000
"""So many more objects than the last time are alive when cycles of young ones are sought; 700 by default."""


def collect_rarely() -> None:
    """From now on, cycles are sought after many objects: what is imported has none; and what is left at exit, stays."""
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
    atexit.register(_leave)


def _leave() -> None:
    if "duckdb" not in sys.modules:  # it would print each of its objects that is left
        gc.freeze()
