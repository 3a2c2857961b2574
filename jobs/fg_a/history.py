"""The daily roll-up of pair slices, updated before it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.coded import Names, encoded, positions
from common.contracts.window_columns import TIMESTAMP, WINDOW_MICROS, micros
from common.lake.reader import LakeReader
from common.lake.table_files import TableFiles, as_rows
from common.most_said import Said
from common.pair_keys import Layout, first_of_each, grouped
from common.runtime.context import StageRun
from common.runtime.part_files import replace_by_parts
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows, floor_to_grid
from jobs.fg_a.parts import Part, Plan
from jobs.fg_a.rows import integers
from jobs.fg_a.timeline import ROLES

CODED = ("host_ip", "role", "peer_ip")
WORDS = ("app", "domain")
COLUMNS = (*CODED, "peer_port", "window_start_ts", "sessions_cnt", *WORDS)
LAYOUT = Layout.up_to(WINDOWS_PER_DAY)
ROWS_PER_PART = 9_000_000
"""Fewer than of features: the rows of a part are all merged at once."""


def update_pair_days(stage: StageRun, dates: Iterable[str], plan: Plan) -> None:
    """Rolls up those of the dates that never were, or whose pair slices have been rewritten since.

    A day whose slices were removed from the lake keeps its roll-up.
    """
    lake, dates = stage.lake, sorted(dates)
    sources = lake.digests("delta_pair", "date", dates)
    known = {entry["date"]: entry["source_digest"] for entry in lake.partitions("pair_days")}
    for date in dates:
        digest = sources.get(date, "")
        if digest and known.get(date) != digest:
            with stage.report.step(f"pair_days {date}"):
                day = _windows_of(date)
                hosts = encoded(lake.arrow("delta_pair", ["host_ip"], day, coded=["host_ip"])["host_ip"]).dictionary
                parts = plan.parts(day, day, hosts, LAYOUT.most_hosts, ROWS_PER_PART)
                work = RollUp(lake, digest)
                replace_by_parts(stage, "pair_days", {"date": date}, work, parts)


@dataclass(frozen=True)
class RollUp:
    """The work on some hosts of a day: a file of `pair_days` from their rows of `delta_pair`."""

    lake: LakeReader
    digest: str

    def __call__(self, part: Part) -> pa.Table:
        """The file."""
        lake = self.lake
        slices = (
            lake.arrow("delta_pair", COLUMNS, piece, coded=(*CODED, *WORDS), hosts=part.hosts) for piece in part.slices
        )
        files = TableFiles(lake.location("pair_days"), lake.table("pair_days"))
        files.write(
            roll_up(slices, part.windows), {"date": f"{part.windows.start:%Y-%m-%d}", "source_digest": self.digest}
        )
        return as_rows(files.actions)


def roll_up(slices: Iterable[pa.Table], day: Windows) -> pa.Table:
    """One row per host, role, peer and service port of a day; each part of `delta_pair` has windows of its own."""
    hosts, peers, origin = Names(), Names(), micros(day)[0]
    found: list[tuple[Integers, ...]] = []
    said = {name: Said() for name in WORDS}
    for rows in slices:
        owner = hosts.numbers(rows["host_ip"]) * len(ROLES) + positions(rows["role"], pa.array(ROLES))
        number = (integers(rows, "window_start_ts") - origin) // WINDOW_MICROS
        keys = LAYOUT.keys(owner, peers.numbers(rows["peer_ip"]), integers(rows, "peer_port"), number)
        for name, words in said.items():
            words.add(keys >> LAYOUT.low_bits, rows[name], integers(rows, "sessions_cnt"))
        keys, sessions = grouped(keys, integers(rows, "sessions_cnt"))
        heads = first_of_each(keys >> LAYOUT.low_bits)
        lasts = np.append(heads, len(keys))[1:] - 1
        times = (origin + LAYOUT.low(keys[places]) * WINDOW_MICROS for places in (heads, lasts))
        found.append((keys[heads], np.add.reduceat(sessions, heads), lasts - heads + 1, *times))
    keys, sessions, count, first, last = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(keys, kind="stable")  # merges the parts, each of which is sorted
    heads = first_of_each(keys[order] >> LAYOUT.low_bits)
    keys = keys[order[heads]]
    host, role = np.divmod(LAYOUT.owner(keys), len(ROLES))
    return pa.table(
        {
            "host_ip": hosts.column(host),
            "role": pa.DictionaryArray.from_arrays(role.astype(np.int32), pa.array(ROLES)),
            "peer_ip": peers.column(LAYOUT.peer(keys)),
            "peer_port": pa.array(LAYOUT.port(keys).astype(np.int32)),
            **{name: words.most(keys >> LAYOUT.low_bits) for name, words in said.items()},
            "sessions_cnt": np.add.reduceat(sessions[order], heads),
            "slices_cnt": np.add.reduceat(count[order], heads),
            "first_slice_ts": pa.array(np.minimum.reduceat(first[order], heads)).cast(TIMESTAMP),
            "last_slice_ts": pa.array(np.maximum.reduceat(last[order], heads)).cast(TIMESTAMP),
        }
    )


def _windows_of(date: str) -> Windows:
    """The windows that start on a date."""
    first = floor_to_grid(datetime.combine(datetime.fromisoformat(date), time(), UTC)) + WINDOW
    return Windows(first, first + WINDOWS_PER_DAY * WINDOW)
