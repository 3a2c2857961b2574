"""Damage to packed files."""

from __future__ import annotations

from dataclasses import dataclass

READ_BYTES = 256 * 1024
PIECE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Damage:
    """Damage to a packed file at this place of its contents.

    Attributes:
        reason: what is wrong.
        missing_bytes: bytes of the file, as stored, that could not be unpacked; 0 where nothing is missing; None
            where nobody knows, as after a file that was cut off.
    """

    reason: str
    missing_bytes: int | None
