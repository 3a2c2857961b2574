"""Lakes with many commits: the tables of one window, committed again for each of the windows before another one."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from common.windows import WINDOW, WINDOWS_PER_DAY, Windows

LOG = "_delta_log"
NEAR = 2 * WINDOWS_PER_DAY
"""So many windows before the other one have their own times; older ones are only listed, and are links to one file."""
LOGGED = 30 * WINDOWS_PER_DAY
"""The log has a commit for each of so many windows, and before them one a day: it is removed after 30 days."""
Add = dict[str, Any]


def write_commits(template: Path, lake: Path, window: Windows, commits: int, files: int = 1) -> None:
    """Makes a lake of that many windows before the given one, each like the only window of the template.

    Args:
        template: a lake with one window.
        lake: the new lake.
        window: the window that comes next.
        commits: the number of windows, each of which was a commit to each table.
        files: the number of files of a window in `fg_a`.
    """
    shutil.copytree(template, lake)
    for log in sorted(template.glob(f"*/{LOG}")):
        added = list(_added(log))
        if added and commits:
            table = lake / log.parent.name
            shutil.rmtree(table)
            _write_table(log.parent, table, added, window, commits, files if table.name == "fg_a" else 1)
            DeltaTable(table).create_checkpoint()


def _added(log: Path) -> Iterator[Add]:
    """The files that the table has."""
    actions = [json.loads(line) for path in sorted(log.glob("*.json")) for line in path.read_text().splitlines()]
    removed = {action["remove"]["path"] for action in actions if "remove" in action}
    yield from (action["add"] for action in actions if "add" in action and action["add"]["path"] not in removed)


def _write_table(old: Path, new: Path, added: list[Add], window: Windows, commits: int, files: int) -> None:
    (new / LOG).mkdir(parents=True)
    shutil.copy(old / LOG / f"{0:020d}.json", new / LOG)
    of_days: dict[str, str] = {}
    lines: list[Any] = []
    version = 0
    for number in range(1, commits + 1):
        start = window.start - (commits + 1 - number) * WINDOW
        one = Windows(start, start + WINDOW)
        actions = [_action(old, new, add, one, number > commits - NEAR) for add in added for _ in range(files)]
        if new.name == "window_status":  # a file of a day, which each window replaces
            date = f"{start:%Y-%m-%d}"
            if date in of_days:
                lines = _without(lines, of_days[date], actions[0]["modificationTime"])
            of_days[date] = actions[0]["path"]
        lines += [{"add": action} for action in actions]
        if number > commits - LOGGED or not number % WINDOWS_PER_DAY:
            version += 1
            text = "\n".join(json.dumps(line) for line in [{"commitInfo": {"operation": "WRITE"}}, *lines])
            (new / LOG / f"{version:020d}.json").write_text(text)
            lines = []


def _without(lines: list[Any], path: str, when: int) -> list[Any]:
    """The actions of a commit that also removes the file, which it may have been about to add."""
    kept = [line for line in lines if line.get("add", {}).get("path") != path]
    removed = {"remove": {"path": path, "dataChange": True, "deletionTimestamp": when}}
    return kept if len(kept) < len(lines) else [*lines, removed]


def _action(old: Path, new: Path, add: Add, window: Windows, is_near: bool) -> Add:
    values = {"date": f"{window.start:%Y-%m-%d}", "window": window.key}
    partition = {name: values.get(name, value) for name, value in add["partitionValues"].items()}
    folder = "/".join(f"{name}={value}" for name, value in partition.items())
    path = f"{folder}/{uuid.uuid4().hex}.parquet"
    (new / folder).mkdir(parents=True, exist_ok=True)
    if is_near:
        pq.write_table(_moved(pq.read_table(old / add["path"], partitioning=None), values, window), new / path)
    else:
        os.link(old / add["path"], new / path)
    stats = json.loads(add["stats"])
    for side in ("minValues", "maxValues"):
        stats[side] = {name: values[name] for name in stats.get(side, {}) if name in values}
    size = (new / path).stat().st_size
    return {**add, "path": path, "size": size, "partitionValues": partition, "stats": json.dumps(stats)}


def _moved(rows: pa.Table, values: dict[str, str], window: Windows) -> pa.Table:
    """The rows as of another window."""
    if "window_start_ts" not in rows.column_names or not len(rows):
        by: timedelta | None = None
    else:
        by = window.start - rows["window_start_ts"][0].as_py()
    columns = {}
    for name in rows.column_names:
        if name in values:
            columns[name] = pa.repeat(values[name], len(rows))
        elif by is not None and pa.types.is_timestamp(rows.schema.field(name).type):
            columns[name] = pc.add(rows[name], pa.scalar(by, pa.duration(rows.schema.field(name).type.unit)))
        else:
            columns[name] = rows[name]
    return pa.table(columns)
