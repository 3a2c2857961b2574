r"""Model training on three months of features, measured as a whole process.

    python -m bench.training --out build/bench/training

The rows are random but shaped like real ones: most counts are mostly 0, longer look-backs include shorter ones, and
deviations are computed from the values. Targets: 600 s and 8 GiB for 500,000 rows on two cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from numpy.typing import NDArray

from bench.measure import GIB, machine, run
from bench.stages import Program
from bench.workload import SEED
from common.arrays import Floats
from common.features.spec import FeatureSpec, load_spec
from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import create_record
from common.lake.window_status import FEATURES
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows

START = datetime(2026, 1, 1, 0, 8, tzinfo=UTC)
TARGET_SECONDS = 600
TARGET_GIB = 8
Columns = dict[str, NDArray[Any]]


def write_features(lake: Lake, spec: FeatureSpec, days: int, hosts: int) -> Windows:
    """Writes `fg_a` and `fg_c` of the given number of days; returns their windows."""
    create_record(lake.uri, LakeIdentity())
    for number in range(days):
        day = Windows(START + timedelta(days=number), START + timedelta(days=number + 1))
        values = _values(np.random.default_rng((SEED, 5, number)), spec, len(day) * hosts)
        keys = _keys(day, hosts)
        for name in ("fg_a", "fg_c"):
            table = lake.table(name)
            columns = {column.name: keys.get(column.name, values.get(column.name)) for column in table.columns}
            rows = pa.table({key: columns[key] for key in table.column_names}, schema=table.arrow)
            write_deltalake(lake.location(name), rows, partition_by=list(table.partitions), mode="append")
    windows = Windows(START, START + timedelta(days=days))
    for stage in FEATURES:
        with lake.journal.run(stage, windows):
            pass
    return windows


def _keys(day: Windows, hosts: int) -> dict[str, pa.Array]:
    """The non-numeric columns, with every host in every window."""
    windows = list(day)
    texts = {
        "segment_id": "10.1.0.0/24",
        "time_band": "working_hours",
        "baseline_horizon": "7d",
        "baseline_month": "2026-01",
        "baseline_source": "host",
    }
    starts = [window.start for window in windows for _ in range(hosts)]
    columns = {name: pa.repeat(value, len(starts)) for name, value in texts.items()}
    return columns | {
        "host_ip": pa.array([f"10.1.{host // 250}.{host % 250}" for _ in windows for host in range(hosts)]),
        "window_start_ts": pa.array(starts, pa.timestamp("us", "UTC")),
        "window_end_ts": pa.array([start + WINDOW for start in starts], pa.timestamp("us", "UTC")),
        "date": pa.array([f"{start:%Y-%m-%d}" for start in starts]),
        "window": pa.array([window.key for window in windows for _ in range(hosts)]),
    }


def _values(rng: np.random.Generator, spec: FeatureSpec, rows: int) -> Columns:
    """The numeric columns of a day: a share of rows is active per metric, and look-backs grow with their length."""
    columns: Columns = {}
    for role in spec.roles:
        for place, metric in enumerate(spec.metrics):
            busy = rng.random(rows) < 0.9 * 0.93**place
            grown = np.zeros(rows)
            for label in spec.window_labels:
                grown = grown + np.round(busy * rng.gamma(0.7, 4.0, rows), 1)
                name = spec.fg_a_name(role, metric.name, label)
                columns[name] = grown
                columns |= _deviations(name, grown, rng.gamma(2.0, 3.0, rows))
    hour = np.repeat(np.arange(WINDOWS_PER_DAY) * 15 // 60, rows // WINDOWS_PER_DAY).astype(np.float64)
    columns |= {"hour_of_day": hour, "is_weekend": np.zeros(rows)}
    columns |= {f"is_{part}_hours": np.zeros(rows) for part in ("working", "off", "night")}
    extras = ("anomaly_strength_core", *spec.composites, "pair_rarity_max", "pair_rarity_mean", "new_pair_share")
    return columns | {name: np.round(rng.gamma(0.5, 1.0, rows), 3) for name in extras}


def _deviations(name: str, values: Floats, median: Floats) -> Columns:
    floored = np.maximum(median, 1.0)
    return {
        f"{name}_z_mad": np.round(np.clip((values - median) / floored, -6, 6), 3),
        f"{name}_ratio": np.round(values / floored, 3),
        f"{name}_log_ratio": np.round(np.log(np.maximum(values, 1.0) / floored), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the result and for the lake to reuse")
    parser.add_argument("--days", type=int, default=90, help="number of days in the training range")
    parser.add_argument("--hosts", type=int, default=58, help="number of hosts in every window")
    given = parser.parse_args()
    spec = load_spec("v1")
    lake = Lake(str(given.out / f"lake-{given.days}-{given.hosts}"), spec)
    windows = Windows(START, START + timedelta(days=given.days))
    if not (Path(lake.uri) / "_complete").exists():
        shutil.rmtree(lake.uri, ignore_errors=True)
        write_features(lake, spec, given.days, given.hosts)
        (Path(lake.uri) / "_complete").touch()
    shutil.rmtree(Path(lake.uri) / "models", ignore_errors=True)
    before = machine()
    measured = run(
        [str(Program.of_this_python().commands / "ndr-if-training"), "--window", str(windows), "--lake", lake.uri]
    )
    figures = measured.figures() | {
        "rows": len(windows) * given.hosts,
        "peak_gib": round(measured.peak_bytes / GIB, 2),
        "details": measured.reports[-1]["details"],
        "machine": before,
    }
    (given.out / "training.json").write_text(json.dumps(figures, indent=2) + "\n")
    for name, seconds in figures["steps"].items():
        print(f"{name:30} {seconds:8.1f} s")
    print(f"{figures['rows']:,} rows: {figures['seconds']:.0f} s (target {TARGET_SECONDS}), "
          f"{figures['cpu_seconds']:.0f} s of processor, {figures['peak_gib']} GiB (target {TARGET_GIB})")  # fmt: skip


if __name__ == "__main__":
    main()
