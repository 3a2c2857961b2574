"""Lakes for the lifecycle: features of whole ranges in one commit, with windows left out or broken."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from common.contracts import tables
from common.windows import WINDOW, Windows
from tests.common.detection.model_lake import rows
from tests.factories import SPEC
from tests.lakes import mark_lake, note_whole

START = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)
HOSTS = 8


def span(windows: int) -> Windows:
    """The first windows of the tests' range, this many."""
    return Windows(START, START + windows * WINDOW)


def add_windows(lake: Path, windows: Collection[Windows] | Windows, hosts: int = HOSTS, tables_of: str = "ac") -> None:
    """Appends rows of `fg_a` (a) and `fg_c` (c) for the windows; the same window always has the same values."""
    mark_lake(lake)
    for place, name in enumerate(("fg_a", "fg_c")):
        if name[-1] not in tables_of:
            continue
        table = tables(SPEC)[name]
        parts = []
        for window in windows:
            number = (window.start - START) // WINDOW
            overrides = {
                "hour_of_day": dict.fromkeys(range(hosts), window.start.hour),
                "is_weekend": dict.fromkeys(range(hosts), 0),
            }
            parts.append(rows(name, window, 2 * number + place, hosts, overrides if name == "fg_a" else None))
        write_deltalake(lake / name, pa.concat_tables(parts), mode="append", partition_by=list(table.partitions))
    first, last = min(windows), max(windows)
    note_whole(lake, Windows(first.start, last.end))


def add_slices(lake: Path, windows: Iterable[Windows]) -> None:
    """Appends one row of `delta_host` for each window: logs came in, whatever became of them."""
    mark_lake(lake)
    table = tables(SPEC)["delta_host"]
    parts = []
    for window in windows:
        values = {
            column.name: {"string": "x", "timestamp": window.start}.get(column.type, 0) for column in table.columns
        } | {"date": f"{window.start:%Y-%m-%d}", "window": window.key}
        parts.append(pa.table({name: [value] for name, value in values.items()}, schema=table.arrow))
    write_deltalake(lake / "delta_host", pa.concat_tables(parts), mode="append", partition_by=list(table.partitions))
