"""Whether a name stands anywhere in a lake."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq


def held_in(folder: Path, name: str) -> list[str]:
    """The files with the name: in rows and bounds of Parquet files, checkpoints of logs, and all other files."""
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and name in _content(path)]


def _content(path: Path) -> str:
    raw = path.read_bytes()
    text = raw.decode("latin-1")
    if not raw.startswith(b"PAR1"):
        return text
    file = pq.ParquetFile(path)
    return text + json.dumps(file.read().to_pylist(), default=str)
