"""A copy of what scoring a window reads: files of the lake's tables as they are, in a lake of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake.transaction import AddAction

from common.detection.parameters import current_parameters
from common.detection.registry.pointer import POINTER, checked_entry, model_store, read_pointer
from common.errors import InputError
from common.lake.commits import commit_next, now_millis
from common.lake.lake import Lake
from common.lake.reader import LakeReader
from common.lake.selection import PARTITION
from common.lake.table_files import TableFiles
from common.lake.window_files import WindowFiles
from common.lake.window_status import TABLE as STATUS
from common.storage.files import Folder
from common.windows import WINDOW, Windows

WINDOWS_AT_ONCE = 8
Rows = Callable[[pa.Table], pa.Table]
"""What becomes of the rows of some windows."""


def copy_files(lake: LakeReader, copy: Lake, window: Windows, history: Windows) -> None:
    """Copies baselines, the marks of the day, and the days of pairs that features and scores of the window look at.

    Slices of pairs are those of whole days, of which the copy makes its roll-up anew.

    Raises:
        CommitError: the copy cannot be written.
    """
    lookback = max(lake.spec.lookback_days, current_parameters().pairs.lookback_days)
    days = {f"{day:%Y-%m-%d}" for day in history.days()}
    first = f"{history.start - timedelta(days=lookback):%Y-%m-%d}"
    wanted: dict[str, Callable[[str], bool]] = {
        "delta_pair": days.__contains__,
        "pair_days": lambda date: first <= date <= f"{window.start:%Y-%m-%d}",
        STATUS: f"{window.start:%Y-%m-%d}".__eq__,
        **dict.fromkeys((name for name in lake.names if name.startswith("fg_b/")), lambda date: True),
    }
    for name, is_wanted in wanted.items():
        if lake.exists(name):
            copy.ensure(name)
            files = TableFiles(copy.location(name), copy.table(name))
            for logged in lake.files(name).to_pylist():
                if is_wanted(logged.get(f"{PARTITION}date") or ""):
                    files.copy(lake.location(name), _action(logged))
            add(copy, name, files.actions)


def copy_rows(lake: LakeReader, copy: Lake, name: str, windows: Windows, change: Rows) -> None:
    """Copies what a change makes of a table's rows, a few windows at a time.

    Raises:
        CommitError: the copy cannot be written.
    """
    copy.ensure(name)
    for first in range(0, len(windows), WINDOWS_AT_ONCE):
        start = windows.start + first * WINDOW
        some = Windows(start, min(windows.end, start + WINDOWS_AT_ONCE * WINDOW))
        add_rows(copy, name, change(lake.arrow(name, windows=some)), some)


def add_rows(copy: Lake, name: str, rows: pa.Table, windows: Windows) -> None:
    """Adds rows of some windows to a table of the copy.

    Raises:
        CommitError: the copy cannot be written.
    """
    files = WindowFiles(copy.location(name), copy.table(name), windows)
    files.add(rows)
    files.flush()
    add(copy, name, files.actions)


def add(copy: Lake, name: str, actions: Sequence[AddAction]) -> None:
    """Adds files to a table of the copy.

    Raises:
        CommitError: the copy cannot be written.
    """
    if actions:
        copy.commit(name, lambda delta: commit_next(delta, actions))


def copy_model(lake_uri: str, copy_uri: str, project_name: str) -> str:
    """Copies the project's current model; returns its run.

    Raises:
        InputError: there is none.
        ModelError: it is damaged.
        StorageError: it cannot be read or written.
    """
    store = model_store(lake_uri, project_name)
    pointer = read_pointer(store)
    if pointer is None:
        raise InputError(f"project {project_name} has no current model in {lake_uri}", "Train one: ndr-if-training")
    run_id = checked_entry(store, pointer)
    source, target = Folder(store.uri), Folder(model_store(copy_uri, project_name).uri)
    for name in (*(entry.name for entry in source.list(run_id)), POINTER):
        target.write(name, source.read(name))
    return run_id


def _action(logged: Mapping[str, Any]) -> AddAction:
    """A file as a commit adds it, with all that the log of its table says of its values."""
    found: dict[str, Any] = {"numRecords": logged["num_records"], "minValues": {}, "maxValues": {}, "nullCount": {}}
    for prefix, kind in (("min.", "minValues"), ("max.", "maxValues"), ("null_count.", "nullCount")):
        for name, value in logged.items():
            if name.startswith(prefix) and value is not None:
                found[kind][name.removeprefix(prefix)] = _as_json(value)
    partition = {key.removeprefix(PARTITION): str(logged[key]) for key in logged if key.startswith(PARTITION)}
    path = unquote(logged["path"])
    return AddAction(path, logged["size_bytes"], partition, now_millis(), True, json.dumps(found))


def _as_json(value: Any) -> Any:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value
