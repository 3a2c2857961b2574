"""Lakes as earlier releases wrote them: formats 1 to 8."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from common.lake.lake import Lake
from common.lake.lake_format import FILE
from common.lake.publications import MEMBERS, publications
from common.lake.publications import TABLE as PUBLICATIONS
from tests.factories import SPEC
from tests.lakes import published_rows

PREDICTED = ("predictions", "prediction_join")
BY_WINDOW = ("sessions_rejected", "sessions", "open_sessions", "log_volume", "delta_host", "delta_pair", "pair_counts")
"""Tables that were partitioned by date and window until format 4, with the predicted ones."""
FORMER = ["date", "window"]
WORDS = ("app", "domain")
SEVERITY = "threat_severity"
OF_PAIRS = {"delta_pair": ["date"], "pair_days": ["date", "source_digest"]}
"""The tables of pairs, which had no words until format 7, and how they are partitioned."""
OF_KEYS = ["date", "window", "arrival"]
"""How `session_keys` was partitioned until format 5."""
BASELINE_PARTITIONS = ["feature_spec_version", "baseline_horizon", "baseline_month"]


def write_format_1(folder: Path) -> Path:
    """Turns a lake of today, with at most one publication for each horizon and month, into one of format 1."""
    lake = Lake(str(folder), SPEC)
    held = [name for name in (*MEMBERS, PUBLICATIONS) if lake.exists(name)]
    assert all(entry.previous_id is None for entry in publications(lake, SPEC.version).values())
    contents = {name: (published_rows(lake, name), BASELINE_PARTITIONS) for name in held}
    for name in PREDICTED:
        if lake.exists(name):
            contents[name] = (lake.arrow(name).drop_columns(["incomplete_reason", "score_note"]), FORMER)
    contents |= {name: (lake.arrow(name), FORMER) for name in BY_WINDOW if lake.exists(name)}
    for name, (rows, partitions) in contents.items():
        _rewritten(folder / name, rows, partitions)
    shutil.rmtree(folder / "window_status", ignore_errors=True)
    (folder / FILE).unlink()
    return folder


def write_format_2(folder: Path) -> Path:
    """Turns a lake of today into one of format 2, the tables of which are those of format 4."""
    write_format_4(folder)
    (folder / FILE).write_text(json.dumps({"lake_format": 2}))
    return folder


def write_format_3(folder: Path) -> Path:
    """Turns a lake of today into one of format 3, which had neither single nor open sessions, and no volumes."""
    write_format_4(folder)
    pairs = DeltaTable(folder / "delta_pair").to_pyarrow_table()
    _rewritten(folder / "delta_pair", pairs.drop_columns([*WORDS, SEVERITY]), FORMER)
    record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(record | {"lake_format": 3}))
    for name in ("sessions", "open_sessions", "log_volume"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return folder


def write_format_4(folder: Path) -> Path:
    """Turns a lake of today into one of format 4, which partitioned tables of windows by date and window."""
    lake = Lake(str(folder), SPEC)
    write_format_5(folder)
    for name in filter(lake.exists, (*BY_WINDOW, *PREDICTED)):
        _rewritten(folder / name, lake.arrow(name), FORMER)
    record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(record | {"lake_format": 4}))
    return folder


def write_format_5(folder: Path) -> Path:
    """Turns a lake of today into one of format 5: keys by date, window and arrival, and an inventory of names alone."""
    lake = Lake(str(folder), SPEC)
    if lake.exists("session_keys"):
        _rewritten(folder / "session_keys", lake.arrow("session_keys"), OF_KEYS)
    if lake.exists("machine_inventory"):
        held = DeltaTable(folder / "machine_inventory").to_pyarrow_table()
        held = held.select([name for name in held.column_names if name not in ("owner", "role", "criticality")])
        _rewritten(folder / "machine_inventory", held, ["snapshot_month"])
    record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(record | {"lake_format": 5}))
    return folder


def write_format_6(folder: Path) -> Path:
    """Turns a lake of today into one of format 6, whose predictions had no note."""
    for name in PREDICTED:
        held = DeltaTable(folder / name).to_pyarrow_table()
        _rewritten(folder / name, held.drop_columns(["score_note"]), ["date"])
    record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(record | {"lake_format": 6}))
    return folder


def write_format_7(folder: Path) -> Path:
    """Turns a lake of today into one of format 7, whose pairs had no words."""
    write_format_8(folder)
    for name, partitions in OF_PAIRS.items():
        if (folder / name).exists():
            held = DeltaTable(folder / name).to_pyarrow_table()
            _rewritten(folder / name, held.drop_columns([*WORDS]), partitions)
    record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(record | {"lake_format": 7}))
    return folder


def write_format_8(folder: Path) -> Path:
    """Turns a lake of today into one of format 8, whose slices of pairs had no severity of threats."""
    held = DeltaTable(folder / "delta_pair").to_pyarrow_table()
    _rewritten(folder / "delta_pair", held.drop_columns([SEVERITY]), OF_PAIRS["delta_pair"])
    record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(record | {"lake_format": 8}))
    return folder


def _rewritten(folder: Path, rows: pa.Table, partitions: list[str]) -> None:
    shutil.rmtree(folder / "_delta_log")
    for path in folder.glob("*=*"):
        shutil.rmtree(path)
    write_deltalake(folder, rows, partition_by=partitions)
