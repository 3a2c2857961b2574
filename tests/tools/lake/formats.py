"""Lakes as earlier releases wrote them: formats 1 to 3."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from common.lake.lake import Lake
from common.lake.lake_format import FILE
from common.lake.publications import MEMBERS, publications
from common.lake.publications import TABLE as PUBLICATIONS
from tests.factories import SPEC
from tests.lakes import published_rows

PREDICTED = ("predictions", "prediction_join")
BASELINE_PARTITIONS = ["feature_spec_version", "baseline_horizon", "baseline_month"]


def write_format_1(folder: Path) -> Path:
    """Turns a lake of today, with at most one publication for each horizon and month, into one of format 1."""
    lake = Lake(str(folder), SPEC)
    held = [name for name in (*MEMBERS, PUBLICATIONS) if lake.exists(name)]
    assert all(entry.previous_id is None for entry in publications(lake, SPEC.version).values())
    contents = {name: (published_rows(lake, name), BASELINE_PARTITIONS) for name in held}
    for name in PREDICTED:
        if lake.exists(name):
            contents[name] = (lake.arrow(name).drop_columns("incomplete_reason"), ["date", "window"])
    for name, (rows, partitions) in contents.items():
        _rewritten(folder / name, rows, partitions)
    shutil.rmtree(folder / "window_status", ignore_errors=True)
    (folder / FILE).unlink()
    return folder


def write_format_2(folder: Path) -> Path:
    """Turns a lake of today into one of format 2, the tables of which are the same."""
    (folder / FILE).write_text(json.dumps({"lake_format": 2}))
    return folder


def write_format_3(folder: Path) -> Path:
    """Turns a lake of today into one of format 3, which had neither single nor open sessions, and no volumes."""
    record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(record | {"lake_format": 3}))
    for name in ("sessions", "open_sessions", "log_volume"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return folder


def _rewritten(folder: Path, rows: pa.Table, partitions: list[str]) -> None:
    shutil.rmtree(folder / "_delta_log")
    for path in folder.glob("*=*"):
        shutil.rmtree(path)
    write_deltalake(folder, rows, partition_by=partitions)
