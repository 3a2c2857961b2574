"""What becomes of records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """What became of the records that were read; the parts add up to the whole."""

    read: int = 0
    kept: int = 0
    duplicate: int = 0
    uncounted: int = 0
    rejected: int = 0

    def add_up(self) -> bool:
        """Whether every record is accounted for exactly once."""
        return self.read == self.kept + self.duplicate + self.uncounted + self.rejected
