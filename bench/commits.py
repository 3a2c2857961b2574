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


def write_commits(
    template: Path, lake: Path, window: Windows, commits: int, files: int = 1, *, days_as_written: int | None = None
) -> None:
    """Makes a lake of that many windows before the given one, each like the only window of the template.

    Args:
        template: a lake with one window.
        lake: the new lake.
        window: the window that comes next.
        commits: the number of windows, each of which was a commit to each table.
        files: the number of files of a window in `fg_a`.
        days_as_written: so many days before that of the window are as their windows wrote them, and those before them
            have a file each, as upkeep leaves them; None for all days.
    """
    shutil.copytree(template, lake)
    kept_up_before = "" if days_as_written is None else f"{window.start - timedelta(days=days_as_written):%Y-%m-%d}"
    for log in sorted(template.glob(f"*/{LOG}")):
        added = list(_added(log))
        if added and commits:
            table = lake / log.parent.name
            shutil.rmtree(table)
            (table / LOG).mkdir(parents=True)
            shutil.copy(log / f"{0:020d}.json", table / LOG)
            several = files if table.name == "fg_a" else 1
            sources = [Source(log.parent, table, add) for add in added for _ in range(several)]
            _write_log(table, sources, window, commits, kept_up_before)
            DeltaTable(table).create_checkpoint()


def _added(log: Path) -> Iterator[Add]:
    """The files that the table has."""
    actions = [json.loads(line) for path in sorted(log.glob("*.json")) for line in path.read_text().splitlines()]
    removed = {action["remove"]["path"] for action in actions if "remove" in action}
    yield from (action["add"] for action in actions if "add" in action and action["add"]["path"] not in removed)


class Source:
    """A file of the template, which stands for one of each window, or for what upkeep makes of a day."""

    def __init__(self, old: Path, new: Path, add: Add) -> None:
        self._new, self._add = new, add
        self._stats = json.loads(add["stats"])
        self._rows = pq.read_table(old / add["path"], partitioning=None)
        self._of_a_window = old / add["path"]
        self._of_a_day = new / f"day-{uuid.uuid4().hex}.parquet"
        pq.write_table(pa.concat_tables([self._rows] * WINDOWS_PER_DAY), self._of_a_day)

    def of_window(self, window: Windows, is_near: bool) -> Add:
        """A file of the window, as the log adds it."""
        values = {"date": f"{window.start:%Y-%m-%d}", "window": window.key}
        path = self._path(values)
        if is_near:
            pq.write_table(_moved(self._rows, values, window), self._new / path)
        else:
            os.link(self._of_a_window, self._new / path)
        return self._added(path, values, values, 1)

    def of_day(self, first: Windows, last: Windows) -> Add:
        """A file of a whole day, which has these windows first and last."""
        values = {"date": f"{first.start:%Y-%m-%d}", "window": first.key}
        path = self._path(values)
        os.link(self._of_a_day, self._new / path)
        return self._added(path, values, values | {"window": last.key}, WINDOWS_PER_DAY)

    def _path(self, values: dict[str, str]) -> str:
        folder = "/".join(f"{name}={value}" for name, value in self._partition(values).items())
        (self._new / folder).mkdir(parents=True, exist_ok=True)
        return f"{folder}/{uuid.uuid4().hex}.parquet"

    def _partition(self, values: dict[str, str]) -> dict[str, str]:
        return {name: values.get(name, value) for name, value in self._add["partitionValues"].items()}

    def _added(self, path: str, least: dict[str, str], greatest: dict[str, str], windows: int) -> Add:
        stats = {**self._stats, "numRecords": self._stats["numRecords"] * windows}
        for side, values in (("minValues", least), ("maxValues", greatest)):
            stats[side] = {name: values[name] for name in self._stats.get(side, {}) if name in values}
        size = (self._new / path).stat().st_size
        partition = self._partition(least)
        return {**self._add, "path": path, "size": size, "partitionValues": partition, "stats": json.dumps(stats)}


def _write_log(new: Path, sources: list[Source], window: Windows, commits: int, kept_up_before: str) -> None:
    """Writes the commits of a table and their files; of days before a date, only what upkeep leaves of them."""
    of_days: dict[str, str] = {}
    first: Windows | None = None
    lines: list[Any] = []
    version = 0
    for number in range(1, commits + 1):
        start = window.start - (commits + 1 - number) * WINDOW
        one, date = Windows(start, start + WINDOW), f"{start:%Y-%m-%d}"
        if date < kept_up_before:
            first = first or one
            if f"{one.end:%Y-%m-%d}" == date:
                continue
            actions, first = [source.of_day(first, one) for source in sources], None
        else:
            actions = [source.of_window(one, number > commits - NEAR) for source in sources]
        if new.name == "window_status":  # a file of a day, which each window replaces
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
