"""The slices of pairs in some windows, with the sums of the 24 hours that end with each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.detection.pairs.first_seen import MeetingDays, Meetings
from common.detection.pairs.numbering import places, slice_number, slice_numbers
from common.lake.lake import Lake
from common.windows import WINDOW, Windows

DAY_SLICES = 96
ROWS_AT_ONCE = 2_000_000
PAIR = ("host_ip", "role", "peer_ip", "peer_port")
SUMS = {"sessions": "sessions_cnt", "failed": "failed_cnt", "sent": "bytes_src_sum", "received": "bytes_dst_sum"}
GAPS = {"gap_s": "gap_sum_s", "gap_sq_s": "gap_sq_sum_s"}
TIMES = ("first_ts", "last_ts")
TEXTS = (*PAIR, "segment_id", "window_start_ts")
COLUMNS = [*TEXTS, *SUMS.values(), *GAPS.values(), *TIMES]
Codes = NDArray[np.int64]


def read_last_day(
    lake: Lake, day: Windows, hosts: Sequence[str] | None, days: MeetingDays
) -> tuple[pa.Table | None, list[Meetings]]:
    """One row per host, role, peer, port and window of the day, protocols together, and who met whom on that date.

    With `SUMS` of the window and, as `..._day`, of the 24 hours that end with it; `slices_day`, the windows in which
    the pair occurred in that time; and the sums of the gaps between its sessions and of their squares, in seconds. In
    order of window and pair; None for a day without any. The day is at most a UTC date; with `hosts`, the rows are
    only theirs, while the meetings are those of all hosts from midnight to the last window.

    Raises:
        TableError: `delta_pair` is missing or unreadable.
    """
    table, numbered = _slices(lake, day, days)
    met = [numbered.firsts()]
    present, keys = _of_hosts(table, numbered.keys(), hosts)
    if not len(present):
        return None, []
    wanted, pair = np.unique(keys, return_inverse=True)
    parts = [_numeric(present, pair.astype(np.int64))]
    midnight = slice_number(datetime.combine(day.start.date(), time(), UTC))
    start = day.extended(DAY_SLICES - 1).start
    step = max(1, ROWS_AT_ONCE * len(day) // len(table)) * WINDOW
    while start < day.start:
        end = min(start + step, day.start)
        table, numbered = _slices(lake, Windows(start, end), days)
        if len(table):
            met.append(numbered.part(numbered.start >= midnight).firsts())
            earlier, keys = _of_hosts(table, numbered.keys(), hosts)
            place, mine = places(wanted, keys)
            parts.append(_numeric(earlier.filter(pa.array(mine)), place[mine]))
        start = end
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}
    return _summed(present.select(TEXTS), columns, slice_number(day.start)), met


def _slices(lake: Lake, windows: Windows, days: MeetingDays) -> tuple[pa.Table, Meetings]:
    """The slices of the windows, as they are and as numbers."""
    table = lake.arrow("delta_pair", COLUMNS, windows)
    return table, days.numbered(table, slice_numbers(table["window_start_ts"]))


def _of_hosts(slices: pa.Table, keys: Codes, hosts: Sequence[str] | None) -> tuple[pa.Table, Codes]:
    if hosts is None:
        return slices, keys
    mine = pc.is_in(slices["host_ip"], pa.array(hosts, pa.string()))
    return slices.filter(mine), keys[np.asarray(mine)]


def _numeric(table: pa.Table, pair: Codes) -> dict[str, Codes]:
    """The columns as whole numbers, whose sums are the same in whatever order and with whatever else they are made."""
    columns = {"pair": pair, "moment": slice_numbers(table["window_start_ts"])}
    columns |= {name: table[column].to_numpy() for name, column in SUMS.items()}
    columns |= {name: np.rint(table[column].to_numpy()).astype(np.int64) for name, column in GAPS.items()}
    seconds = pa.timestamp("s", "UTC")
    return columns | {name: table[name].cast(seconds, safe=False).cast(pa.int64()).to_numpy() for name in TIMES}


def _summed(texts: pa.Table, columns: dict[str, Codes], first: int) -> pa.Table:
    """The rows from the window `first` on, whose texts these are, with the sums of their last 24 hours."""
    pair, moment = columns.pop("pair"), columns.pop("moment")
    origin = int(moment.min())
    span = int(moment.max()) - origin + 1
    key = pair * span + moment - origin
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(key) != 0]))  # of one row per pair and window
    key, row = key[starts], order[starts]
    how = {"first_ts": np.minimum, "last_ts": np.maximum}
    merged = {name: how.get(name, np.add).reduceat(columns.pop(name)[order], starts) for name in list(columns)}
    begin = np.searchsorted(key, key - np.minimum(key % span, DAY_SLICES - 1))
    now = key % span >= first - origin

    def of_day(values: Codes) -> Codes:
        total = np.concatenate([[0], np.cumsum(values)])
        return np.asarray(total[1:] - total[begin])

    found = {name: merged[name] for name in SUMS}
    found["slices_day"] = of_day(np.ones(len(key), dtype=np.int64))
    found |= {f"{name}_day": of_day(merged[name]) for name in SUMS}
    before = _gaps_before(key // span, merged["first_ts"], merged["last_ts"])
    for name, gaps in (("gap_s", before), ("gap_sq_s", before**2)):
        found[f"{name}_day"] = of_day(merged[name] + gaps) - gaps[begin]  # the first gap began before that time
    table = texts.take(pa.array(row[now]))
    for name, values in found.items():
        table = table.append_column(name, pa.array(values[now].astype(np.float64)))
    return table.sort_by([(name, "ascending") for name in ("window_start_ts", *PAIR)]).combine_chunks()


def _gaps_before(pair: Codes, first: Codes, last: Codes) -> Codes:
    """The seconds between each slice's first session and the last one of the pair's slice before; 0 without one."""
    gaps = np.zeros(len(pair), dtype=np.int64)
    gaps[1:] = np.where(np.diff(pair) == 0, np.maximum(first[1:] - last[:-1], 0), 0)
    return gaps
