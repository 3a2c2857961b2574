"""What the lake of a simulated office needs beside its windows: `python -m bench.office history|model WINDOWS LAKE`.

`history` adds earlier weeks of pairs, which repeat those that are there, and random baselines of both horizons; `model`
adds a model of all windows.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from bench.baselines import write_baselines
from bench.history import nullable
from bench.measure import fresh_copy
from bench.model import write_model
from common.features.spec import load_spec
from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import create_record
from common.windows import WINDOW, Windows

DAYS = 30
TIMES = ("first_slice_ts", "last_slice_ts")


def write_history(lake: Lake, windows: Windows) -> None:
    add_days(lake)
    last = Windows(windows.end - WINDOW, windows.end)
    with tempfile.TemporaryDirectory(dir=Path(lake.uri).parent) as folder:
        create_record(folder, LakeIdentity())
        write_baselines(Lake(folder, lake.spec), lake.spec, lake, last)
        fresh_copy(Path(folder) / "fg_b", Path(lake.uri) / "fg_b")


def add_days(lake: Lake) -> None:
    """Adds days to `pair_days` before those that are there, until it has 30, each as a later one."""
    table, rows = lake.table("pair_days"), lake.arrow("pair_days", windows=None)
    days = sorted(date.fromisoformat(text) for text in pc.unique(rows["date"]).to_pylist())
    for number in range(DAYS - len(days)):
        source, day = days[-1 - number % len(days)], days[0] - timedelta(days=number + 1)
        moved = rows.filter(pc.equal(rows["date"], f"{source}"))
        by = pa.scalar(day - source, pa.duration("us"))
        columns = {name: pc.add(moved[name], by) if name in TIMES else moved[name] for name in moved.column_names}
        columns["date"] = pa.repeat(f"{day}", len(moved))
        columns["source_digest"] = pa.repeat(f"{day:%Y%m%d}".rjust(16, "0"), len(moved))
        schema = nullable(table)
        write_deltalake(
            lake.location(table.name),
            pa.table([columns[name] for name in schema.names], schema=schema),
            partition_by=list(table.partitions),
            mode="append",
        )


if __name__ == "__main__":
    what, windows, uri = sys.argv[1:]
    lake = Lake(uri, load_spec("v1"))
    if what == "history":
        write_history(lake, Windows.parse(windows))
    else:
        write_model(lake, lake, Windows.parse(windows), Windows.parse(windows))
