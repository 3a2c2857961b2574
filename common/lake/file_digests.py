"""Digests of the files of a table, which stay the same when files are put together without a change of their rows."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable

TOGETHER = re.compile(r"(?:.*/)?together-([0-9a-f]{16})-[0-9a-f]{32}[.]parquet")
"""The name of a file with the rows of other files; it has their digest."""


def digest_of(paths: Iterable[str]) -> str:
    """The digest of the files with these paths, which have random names: the sum of a number of each."""
    return f"{sum(map(_number, paths)) % 2**64:016x}"


def name_together(paths: Iterable[str]) -> str:
    """A new name for a file with the rows of these files."""
    return f"together-{digest_of(paths)}-{uuid.uuid4().hex}.parquet"


def _number(path: str) -> int:
    found = TOGETHER.fullmatch(path)
    return int(found[1], 16) if found else int.from_bytes(hashlib.sha256(path.encode()).digest()[:8])
