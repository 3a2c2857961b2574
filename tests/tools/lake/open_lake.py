"""A small lake, written as stages write it, whose contents are known."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc

from common.lake.lake import Lake
from common.windows import Windows
from tests.factories import SPEC, table_row
from tests.lakes import note_whole

FIRST, SECOND, THIRD = Windows.parse("2026-03-10T23:38Z/2026-03-11T00:23Z")
HOSTS = ("10.0.0.1", "10.0.0.2", "10.0.0.10")


def write_lake(folder: Path) -> Lake:
    """`delta_pair` and `fg_a` of three windows on two dates, each window a commit, the second one written twice."""
    lake = Lake(str(folder), SPEC)
    for number, window in enumerate((FIRST, SECOND, SECOND, THIRD)):
        with click.Context(click.Command("ndr-15m"), info_name="ndr-15m"):
            for name in ("delta_pair", "fg_a"):
                replace(lake, name, window, ({"host_ip": host, "sessions_cnt": number} for host in HOSTS))
    note_whole(folder, Windows(FIRST.start, THIRD.end))
    return lake


def replace(lake: Lake, name: str, window: Windows, rows: Iterable[dict[str, Any]]) -> None:
    """Replaces a window by rows of which only these values are given."""
    table = lake.table(name)
    made = [table_row(table, window, **{k: v for k, v in row.items() if k in table.column_names}) for row in rows]
    fresh = pa.Table.from_pylist(made, schema=table.arrow)

    def changed(before: pa.Table) -> pa.Table:
        others = before.filter(pc.not_equal(before["window"], window.key))
        return pa.concat_tables([others.select(table.column_names).cast(table.arrow), fresh])

    keys = ("date",) if name == "fg_a" else ("date", "window")
    lake.rewrite(name, {key: [fresh[key][0].as_py()] for key in keys}, changed)
