"""Pair slices and their daily roll-up for tests: a base row and what differs from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from common.contracts import tables
from common.detection.members.pairs import PairsMember, pair_samples
from common.detection.members.spread import SpreadMember
from common.detection.pairs.activity import read_activity
from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.common.detection.synthetic import SETTINGS
from tests.factories import SPEC

CIDRS = ("10.0.0.0/8",)


def slice_row(start: datetime, **differs: Any) -> dict[str, Any]:
    """A row of `delta_pair` in the window that starts then."""
    return {
        "host_ip": "10.0.0.1", "role": "outbound", "peer_ip": "198.51.100.7", "protocol": "tcp", "peer_port": 443,
        "segment_id": "10.0.0.0/24", "peer_segment_id": "198.51.100.0/24", "sessions_cnt": 1, "failed_cnt": 0,
        "bytes_src_sum": 100, "bytes_dst_sum": 200, "duration_sum": 1.0, "gap_sum_s": 0.0, "gap_sq_sum_s": 0.0,
        "first_ts": start, "last_ts": start, "last_end_ts": start, "window_start_ts": start,
        "window_end_ts": start + WINDOW, "date": f"{start:%Y-%m-%d}", "window": Windows(start, start + WINDOW).key,
    } | differs  # fmt: skip


def write_pairs(lake: Path, slices: list[dict[str, Any]], unfinished: str = "") -> Path:
    """A lake with these pair slices and the days that they roll up to, without the date that is not over."""
    days: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in (row for row in slices if row["date"] != unfinished):
        names = ("host_ip", "role", "peer_ip", "peer_port", "date")
        found = days.setdefault(
            tuple(row[name] for name in names),
            {name: row[name] for name in names}
            | {"sessions_cnt": 0, "slices_cnt": 0, "first_slice_ts": row["window_start_ts"], "source_digest": "d"}
            | {name: row.get(name) for name in ("app", "domain")},
        )
        found["sessions_cnt"] += row["sessions_cnt"]
        found["slices_cnt"] += 1
        found["first_slice_ts"] = min(found["first_slice_ts"], row["window_start_ts"])
        found["last_slice_ts"] = row["window_start_ts"]
    for name, rows in (("delta_pair", slices), ("pair_days", list(days.values()))):
        table = tables(SPEC)[name]
        content = pa.Table.from_pylist(rows, schema=table.arrow)
        write_deltalake(lake / name, content, partition_by=list(table.partitions), mode="overwrite")
    return lake


def quarter(day: datetime, number: int) -> datetime:
    """The start of the window with that number after the day's first."""
    return day + timedelta(minutes=15 * number)


def busy_hosts(first: datetime, hosts: int, windows: int, seed: int = 5) -> list[dict[str, Any]]:
    """Hosts that deal with two of ten peers in every other window, and now and then with a new one."""
    rng = np.random.default_rng(seed)
    found = {}
    for host in range(1, hosts + 1):
        for number in range(0, windows, 2):
            for peer in rng.choice(10, 2, replace=False):
                last = peer if rng.random() < 0.97 else rng.integers(200)
                start, address = quarter(first, number), f"198.51.{peer % 2}.{last}"
                found[start, host, address] = slice_row(
                    start, host_ip=f"10.0.0.{host}", peer_ip=address, sessions_cnt=int(rng.integers(1, 9))
                )
    return list(found.values())


def small_members(folder: Path) -> tuple[PairsMember, SpreadMember, pa.Table]:
    """Pairs and spread that have learnt from two days of four hosts, and the activity that they learnt from."""
    first = datetime(2026, 3, 2, 0, 8, tzinfo=UTC)
    lake = Lake(str(write_pairs(folder, busy_hosts(first, 4, 192))), SPEC)
    windows = Windows(first, first + timedelta(days=2))
    activity = pa.concat_tables(list(read_activity(lake, windows, CIDRS, SETTINGS.parameters.pairs))).combine_chunks()
    samples = pair_samples(activity, SETTINGS.parameters.pairs)
    return PairsMember.fit(samples, SETTINGS)[0], SpreadMember.fit(samples, SETTINGS)[0], activity
