"""Manifests of local files, and what the job makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.ndjson_to_parquet.cli import main
from tests.commands import call
from tests.types import Run

DATE = "2026-03-09"
ADDED = ["_source_file", "_processing_timestamp"]


def manifest(folder: Path, files: Sequence[Mapping[str, Any]], parts: int = 1) -> Path:
    """A manifest of the builder, with the id `m1`."""
    path = folder / "manifest.json"
    document = {"format": 1, "id": "m1", "date_prefix": DATE, "created_at": "2026-03-09T00:00:00Z", "parts": parts}
    path.write_text(json.dumps(document | {"files": list(files)}))
    return path


def local(folder: Path, contents: Mapping[str, bytes], parts: int = 1) -> Path:
    """A manifest of local files with these contents."""
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return manifest(
        folder, [{"uri": str(folder / name), "size": len(content)} for name, content in contents.items()], parts
    )


def convert(path: Path, *arguments: str | float | Path) -> Run:
    """Exit code, run report and stderr."""
    options = ("--output", path.parent / "out", "--processes", 1, *arguments)
    code, output, error = call(main, "--manifest", path, *map(str, options))
    return code, json.loads(output) if code == 0 else {}, error


def parquet(folder: Path) -> list[Path]:
    """The Parquet files below a folder, drafts too."""
    return sorted((folder / "out").rglob("*parquet*/*"))


def table(folder: Path) -> pa.Table:
    """All rows, without the added columns."""
    return pa.concat_tables([pq.read_table(path) for path in parquet(folder)]).drop_columns(ADDED)


def rejects(folder: Path) -> list[dict[str, Any]]:
    """The rejects of the run, the files by their names."""
    lines = (folder / "out" / f"rejects-{DATE}" / "m1.ndjson").read_text().splitlines()
    return [found | {"file": Path(found["file"]).name} for found in map(json.loads, lines)]
