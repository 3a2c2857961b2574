"""What of an input could not be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hole:
    """A file, or a part of one, that nobody can read: the records of the input are not complete.

    Attributes:
        path: the file.
        reason: why it cannot be read, and what is missing as far as that is known.
        line: number of the line or row at which something is missing; None if nothing of the file could be read.
        missing_bytes: bytes of the file, as stored, that could not be read; 0 if nothing is missing but records may
            be altered; None if unknown, as in a file that was cut off.
    """

    path: str
    reason: str
    line: int | None
    missing_bytes: int | None
