"""Lakes with synthetic FG-A rows and pair counts, written without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from common.contracts import tables
from common.contracts.types import Table
from common.features.spec import FeatureSpec, load_spec
from common.windows import WINDOW, Windows, partition_key
from tests.types import Numbers

SPEC = load_spec("v1")
WINDOWS_PER_COMMIT = 32


def time_band(start: datetime) -> str:
    return "working_hours" if 7 <= start.hour < 17 else "off_hours"


def of_window(start: datetime) -> dict[str, Any]:
    return {
        "window_start_ts": start,
        "window_end_ts": start + WINDOW,
        "date": f"{start:%Y-%m-%d}",
        "window": partition_key(start),
    }


def fg_a_row(start: datetime, host_ip: str = "10.0.1.5", **overrides: Any) -> dict[str, Any]:
    """A row of zeros; overrides are columns, or metrics, which then hold for all roles and labels."""
    row: dict[str, Any] = dict.fromkeys(SPEC.fg_a_features(), 0.0)
    row |= dict.fromkeys(SPEC.context, 0)
    row |= {"host_ip": host_ip, "segment_id": f"{host_ip.rpartition('.')[0]}.0/24", "time_band": time_band(start)}
    for name, value in overrides.items():
        if name in SPEC.metric_names:
            row |= {SPEC.fg_a_name(role, name, label): value for role in SPEC.roles for label in SPEC.window_labels}
        else:
            row[name] = value
    return row | of_window(start)


def pair_row(start: datetime, src_ip: str = "10.0.1.5", **overrides: Any) -> dict[str, Any]:
    base = {
        "src_ip": src_ip,
        "dst_ip": "10.0.9.9",
        "dst_port": 443,
        "segment_id": f"{src_ip.rpartition('.')[0]}.0/24",
        "sessions_cnt": 1,
        "event_ts": start + WINDOW / 2,
    }
    return base | of_window(start) | overrides


def write(lake: Path, name: str, rows: Iterable[dict[str, Any]] | pa.Table, spec: FeatureSpec = SPEC) -> None:
    """Writes the rows as the table, replacing what it held."""
    table: Table = tables(spec)[name]
    schema = pa.schema([field.with_nullable(True) for field in table.arrow])
    data = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=schema)
    data, location = data.select(schema.names), str(lake / name)
    if "window" not in table.partitions:
        write_deltalake(location, data, mode="overwrite", partition_by=list(table.partitions))
        return
    # each open partition holds a writer per column: a few windows at a time
    windows = sorted(set(data["window"].to_pylist()))
    for start in range(0, len(windows), WINDOWS_PER_COMMIT):
        part = data.filter(pc.is_in(data["window"], pa.array(windows[start : start + WINDOWS_PER_COMMIT])))
        mode = "append" if start else "overwrite"
        write_deltalake(location, part, mode=mode, partition_by=list(table.partitions))


def random_fg_a(windows: Windows, hosts: list[str], seed: int = 7, share: float = 1.0) -> pa.Table:
    """FG-A rows in which each host is active in that share of the windows, with values of each metric's kind."""
    rng = np.random.default_rng(seed)
    starts = [window.start for window in windows]
    active = rng.random((len(starts), len(hosts))) < share
    number, host = np.nonzero(active)
    count = len(number)
    addresses, moments = np.array(hosts)[host], np.array(starts, dtype=object)[number]
    level = rng.gamma(2.0, 2.0, len(hosts))[host]
    columns: dict[str, Any] = {
        "host_ip": addresses,
        "segment_id": [f"{address.rpartition('.')[0]}.0/24" for address in addresses],
        "time_band": [time_band(moment) for moment in moments],
    }
    for label, length in SPEC.window_labels.items():
        for role in SPEC.roles:
            for metric in SPEC.metrics:
                name = SPEC.fg_a_name(role, metric.name, label)
                columns[name] = _values(rng, metric.kind, level * length, count)
                if "lookback30d" in metric.name:
                    columns[name] = pa.array(columns[name], mask=rng.random(count) < 0.1)
    columns |= {name: np.zeros(count, dtype=np.int32) for name in SPEC.context}
    bounds = [of_window(moment) for moment in moments]
    columns |= {name: [bound[name] for bound in bounds] for name in bounds[0]}
    schema = tables(SPEC)["fg_a"].arrow
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names})


def _values(rng: np.random.Generator, kind: str, level: Numbers, count: int) -> Numbers:
    if kind in ("count", "flag"):
        counts = rng.poisson(level).astype(float)
        return np.minimum(counts, 1) if kind == "flag" else counts
    if kind in ("bytes", "seconds"):
        return np.round(rng.lognormal(6, 1.5, count) * level)
    return rng.random(count)


def random_pairs(windows: Windows, hosts: list[str], per_window: int = 5, seed: int = 7) -> list[dict[str, Any]]:
    """Pair counts in which each host meets some of a few destinations in each window."""
    rng = np.random.default_rng(seed)
    return [
        pair_row(window.start, host, dst_ip=f"10.0.9.{dst}", sessions_cnt=int(rng.integers(1, 20)))
        for window in windows
        for host in hosts
        for dst in rng.choice(200, per_window, replace=False)
    ]
