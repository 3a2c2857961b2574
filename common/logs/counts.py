"""How many records were kept, and what happened to the others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """Number of records that were read, and of each outcome; the outcomes add up to the records read."""

    read: int = 0
    kept: int = 0
    duplicate: int = 0
    uncounted: int = 0
    rejected: int = 0

    def add_up(self) -> bool:
        """Whether every record has exactly one outcome."""
        return self.read == self.kept + self.duplicate + self.uncounted + self.rejected
