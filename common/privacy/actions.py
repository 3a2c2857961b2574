"""What the log of names and cases tells apart."""

from __future__ import annotations

UNMASK, EXPORT, ERASE, MASK, OPEN_CASE = ACTIONS = ("unmask", "export", "erase", "mask", "open-case")
