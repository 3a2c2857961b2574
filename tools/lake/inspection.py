"""What a lake holds, from the logs of its tables and their declarations; no rows are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from common.contracts.types import Table
from common.errors import InputError
from common.features.entries import listed, nearest
from common.lake.commits import USER_METADATA
from common.lake.reader import LakeReader
from common.lake.troubles import unreadable
from common.storage.filesystems import subtree
from common.windows import iso, parse_moment

TIMES = ("window", "date", "baseline_month", "snapshot_month")
"""The columns that say which time a row is of; of those that a table has, the first does."""

ENGINE_TYPES = {
    "string": {"spark": "string", "duckdb": "VARCHAR", "polars": "String", "pandas": "object"},
    "int": {"spark": "int", "duckdb": "INTEGER", "polars": "Int32", "pandas": "int32"},
    "long": {"spark": "bigint", "duckdb": "BIGINT", "polars": "Int64", "pandas": "int64"},
    "double": {"spark": "double", "duckdb": "DOUBLE", "polars": "Float64", "pandas": "float64"},
    "boolean": {"spark": "boolean", "duckdb": "BOOLEAN", "polars": "Boolean", "pandas": "bool"},
    "timestamp": {
        "spark": "timestamp",
        "duckdb": "TIMESTAMP WITH TIME ZONE",
        "polars": "Datetime(time_unit='us', time_zone='UTC')",
        "pandas": "datetime64[us, UTC]",
    },
}
"""What each declared type is elsewhere; in pandas, whole numbers with nulls are float64, and booleans object."""


def named(lake: LakeReader, name: str) -> Table:
    """The declaration of a table.

    Raises:
        InputError: there is no table of that name.
    """
    if name not in lake.names:
        raise InputError(f"{name!r} is no table of a lake{nearest(name, lake.names)}", f"Tables: {listed(lake.names)}")
    return lake.table(name)


def time_column(table: Table) -> str | None:
    """The column that says which time a row is of; None if it has none."""
    return next((name for name in TIMES if name in table.column_names), None)


def table_rows(lake: LakeReader) -> Iterator[dict[str, Any]]:
    """One row per table of the lake: its size, its last commit, and the time that it covers.

    Raises:
        TableError: a table is unreadable.
    """
    for name in lake.names:
        if lake.exists(name):
            yield _table_row(lake, lake.table(name))


def _table_row(lake: LakeReader, table: Table) -> dict[str, Any]:
    files, delta = lake.files(table.name), lake.current(table.name)
    partitions = files.select([column for column in files.column_names if column.startswith("partition.")])
    first, last = map(shown, covered(files, time_column(table)))
    return {
        "table": table.name,
        "rows": _sum(files["num_records"]),
        "files": len(files),
        "bytes": _sum(files["size_bytes"]),
        "version": delta.version(),
        "last_written": _moment(delta.history(1)[0]),
        "first": first,
        "last": last,
        "partitions": len(partitions.group_by(partitions.column_names).aggregate([])),
        "partitioned_by": listed(table.partitions),
        "grain": table.grain,
    }


def _sum(values: pa.ChunkedArray) -> int | None:
    """The sum; None if a value is unknown."""
    return None if values.null_count else pc.sum(values).as_py() or 0


def covered(files: pa.Table, column: str | None) -> tuple[str | None, str | None]:
    """The first and the last value of the column, from partitions or statistics; None where these do not say."""
    found = []
    for bound, best in (("min", pc.min), ("max", pc.max)):
        known = [name for name in (f"partition.{column}", f"{bound}.{column}") if name in files.column_names]
        found.append(best(files[known[0]]).as_py() if known else None)
    return found[0], found[1]


def shown(value: str | None) -> str | None:
    """A window as users type it; dates and months as they are."""
    return iso(parse_moment(value)) if value and "T" in value else value


def _moment(commit: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(commit["timestamp"] // 1000, UTC)


def schema_rows(table: Table) -> Iterator[dict[str, Any]]:
    """One row per declared column: its type here and elsewhere, its unit and meaning, and when it is null."""
    for column in table.columns:
        yield {
            "column": column.name,
            "type": column.type,
            **ENGINE_TYPES[column.type],
            "unit": column.unit or None,
            "null_when": column.null_when or None,
            "is_key": column.name in table.key,
            "is_partition": column.name in table.partitions,
            "meaning": column.meaning,
        }


@dataclass
class _Changes:
    """The files that a commit adds and removes, and their rows; rows are None where the log does not say."""

    rows: dict[str, list[int | None]] = field(default_factory=lambda: {"add": [], "remove": []})

    def figures(self) -> dict[str, int | None]:
        """The sums under the names of the columns of a history."""
        known = {kind: None if None in held else sum(filter(None, held)) for kind, held in self.rows.items()}
        return {
            "rows_added": known["add"],
            "rows_removed": known["remove"],
            "files_added": len(self.rows["add"]),
            "files_removed": len(self.rows["remove"]),
        }


def history_rows(lake: LakeReader, name: str, last: int) -> list[dict[str, Any]]:
    """One row per commit to the table, of the last ones, newest first: what it changed, and which command it was of.

    Raises:
        TableError: the table is missing or unreadable.
    """
    delta = lake.current(name)
    try:
        commits = delta.history(last)
        held = _rows_before(lake, name, commits[-1]["version"])
        changes = {commit["version"]: _changes(lake, name, commit["version"], held) for commit in reversed(commits)}
    except (DeltaError, OSError) as error:
        raise unreadable(name, lake.uri, error) from error
    return [_commit_row(commit, changes[commit["version"]]) for commit in commits]


def _rows_before(lake: LakeReader, name: str, version: int) -> dict[str, int | None]:
    """The rows of each file of the version before; none where the log no longer has it."""
    if version == 0:
        return {}
    delta = lake.delta(name)
    with suppress(DeltaError):
        delta.load_as_version(version - 1)
        files = pa.table(delta.get_add_actions(flatten=True))
        return {unquote(row["path"]): row["num_records"] for row in files.select(["path", "num_records"]).to_pylist()}
    return {}


def _changes(lake: LakeReader, name: str, version: int, held: dict[str, int | None]) -> _Changes:
    """What the commit changes; `held` are the rows of each file, and become those of this version."""
    found = _Changes()
    with subtree(lake.location(name)).open_input_stream(f"_delta_log/{version:020d}.json") as stream:
        actions = [json.loads(line) for line in bytes(stream.read()).splitlines()]
    for action in actions:
        if "remove" in action:
            found.rows["remove"].append(held.pop(unquote(action["remove"]["path"]), None))
    for action in actions:
        if "add" in action:
            rows = json.loads(action["add"].get("stats") or "{}").get("numRecords")
            held[unquote(action["add"]["path"])] = rows
            found.rows["add"].append(rows)
    return found


def _commit_row(commit: dict[str, Any], changes: _Changes) -> dict[str, Any]:
    return {
        "version": commit["version"],
        "time": _moment(commit),
        "operation": commit["operation"],
        **changes.figures(),
        **_origin(commit.get(USER_METADATA)),
        "engine": commit.get("engineInfo"),
        "where": commit.get("operationParameters", {}).get("predicate"),
    }


def _origin(text: str | None) -> dict[str, Any]:
    """What our commands say of a commit; others write there what they like, or nothing."""
    found = None
    with suppress(ValueError):
        found = json.loads(text or "null")
    return {key: found.get(key) if isinstance(found, dict) else None for key in ("command", "release", "run_id")}
