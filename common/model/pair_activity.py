"""What each host did with each peer: a window's pairs, their last 24 hours, and how new and how rare they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.lake import Lake
from common.model.peers import Numbers, internal, networks, slice_numbers
from common.model.peers_met import NEWNESS, MeetingDays, PeersMet
from common.windows import WINDOW, Windows

DAY_SLICES = 96
LOOKBACK_DAYS = 30
ROWS_AT_ONCE = 4_000_000
TABLES = ("delta_pair", "pair_days")
PAIR = ("host_ip", "role", "peer_ip", "peer_port")
SUMS = {"sessions": "sessions_cnt", "failed": "failed_cnt", "sent": "bytes_src_sum", "received": "bytes_dst_sum"}
GAPS = {"gap_s": "gap_sum_s", "gap_sq_s": "gap_sq_sum_s"}
TIMES = {"first_ts": "min", "last_ts": "max"}
COLUMNS = [*PAIR, "segment_id", "window_start_ts", *SUMS.values(), *GAPS.values(), *TIMES]
Codes = NDArray[np.int64]


def has_pairs(lake: Lake) -> bool:
    """Whether the lake has the tables that pair activity is read from."""
    return all(lake.exists(name) for name in TABLES)


def read_activity(
    lake: Lake, windows: Windows, internal_cidrs: Sequence[str], hosts: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The pairs of the windows, at most a UTC date at a time; nothing for a date without any.

    One row per host, role, peer, service port and window, in order of window and pair, with

    - `sessions`, `failed`, `sent`, `received` (bytes) of the window, and `..._day` of the 24 hours that end with it, in
      which the pair occurred in `slices_day` windows;
    - `gap_s_day` and `gap_sq_s_day`, the sums of the gaps between the starts of consecutive sessions in these 24 hours
      and of their squares, in seconds;
    - `internal`, whether the peer is, and `network`, its /24 or /64;
    - for each of `NEWNESS`: `<what>_new`, whether the host had not met it before the last 24 hours, within 30 days;
      `<what>_others`, how many other hosts had; `<what>_bits`, 0 where it is not new, else log2((hosts + 1) /
      (others + 1)) with all hosts that have any history. Where a quorum of other hosts, `QUORUM_SHARE` of all and at
      least `QUORUM_HOSTS`, first contacted it in the last 24 hours, `<what>_joined` is true, these count as others,
      too, and the bits are 0: new software is no attack. Only where no more than half of the pair's sessions failed:
      new software is answered.

    With `hosts`, only theirs; others still count as others.

    Raises:
        TableError: a table is missing or unreadable.
    """
    days = MeetingDays(lake, LOOKBACK_DAYS)
    for day in windows.by_day():
        present = _slices(lake, day, hosts)
        if len(present):
            rows = _with_addresses(_with_history(lake, present, day, hosts), internal_cidrs)
            yield _with_newness(days, _with_last_day(rows, day), day)


def _slices(lake: Lake, windows: Windows, hosts: Sequence[str] | None) -> pa.Table:
    """The pair slices of the windows, protocols together."""
    table = lake.arrow("delta_pair", COLUMNS, windows)
    if hosts is not None:
        table = table.filter(pc.is_in(table["host_ip"], pa.array(hosts, pa.string())))
    return table


def _with_history(lake: Lake, present: pa.Table, day: Windows, hosts: Sequence[str] | None) -> pa.Table:
    """The slices of the windows, and those of the 24 hours before of the pairs that occur in them."""
    numbers = {name: Numbers() for name in ("host_ip", "peer_ip")}
    wanted = np.unique(_pair_numbers(present, numbers))
    parts = [present]
    before = Windows(day.extended(DAY_SLICES - 1).start, day.start)
    step = max(1, ROWS_AT_ONCE * len(day) // len(present)) * WINDOW
    start = before.start
    while start < day.start:
        end = min(start + step, day.start)
        earlier = _slices(lake, Windows(start, end), hosts)
        if len(earlier):
            found = _pair_numbers(earlier, numbers)
            place = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
            parts.append(earlier.filter(pa.array(wanted[place] == found)))
        start = end
    return pa.concat_tables(parts)


def _pair_numbers(table: pa.Table, numbers: dict[str, Numbers]) -> Codes:
    """A number for each pair, the same for the same pair as long as the same `numbers` are used."""
    host, peer = (numbers[name].of(table[name]) for name in ("host_ip", "peer_ip"))
    role = np.asarray(pc.equal(table["role"], "inbound"), dtype=np.int64)
    port = table["peer_port"].to_numpy().astype(np.int64)
    return np.asarray((host << 40) + (peer << 17) + (role << 16) + port, dtype=np.int64)


def _with_addresses(rows: pa.Table, internal_cidrs: Sequence[str]) -> pa.Table:
    """The rows, protocols added up, in order, with what their peers' addresses say."""
    summed = SUMS | GAPS
    grouped = rows.group_by([*PAIR, "segment_id", "window_start_ts"]).aggregate(
        [*((column, "sum") for column in summed.values()), *TIMES.items()]
    )
    names = {f"{column}_sum": name for name, column in summed.items()}
    names |= {f"{column}_{function}": column for column, function in TIMES.items()}
    grouped = grouped.rename_columns([names.get(name, name) for name in grouped.column_names])
    order = [(name, "ascending") for name in ("window_start_ts", *PAIR)]
    grouped = grouped.sort_by(order).combine_chunks()
    peers = grouped["peer_ip"].combine_chunks().dictionary_encode()
    inside = pa.array(internal(peers.dictionary.to_pylist(), internal_cidrs)).take(peers.indices)
    network = pa.array(networks(peers.dictionary.to_pylist()), pa.string()).take(peers.indices)
    return grouped.append_column("internal", inside).append_column("network", network)


def codes(*tables: pa.Table, columns: Sequence[str]) -> list[Codes]:
    """A number for each distinct combination of the columns, the same in all tables; one array for each table."""
    combined = np.zeros(sum(len(table) for table in tables), dtype=np.int64)
    for number, name in enumerate(columns):
        chunks = [chunk for table in tables for chunk in table[name].chunks]
        part = np.asarray(pa.chunked_array(chunks).combine_chunks().dictionary_encode().indices, dtype=np.int64)
        combined = combined * (int(part.max(initial=0)) + 1) + part
        if number:
            combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
    return np.split(combined, np.cumsum([len(table) for table in tables])[:-1])


def _with_last_day(slices: pa.Table, day: Windows) -> pa.Table:
    """The rows of the windows themselves, with the sums of their last 24 hours."""
    (pair,) = codes(slices, columns=PAIR)
    moment = slice_numbers(slices["window_start_ts"])
    moment -= moment.min()
    order = np.lexsort((moment, pair))
    span = int(moment.max()) + DAY_SLICES + 1
    key = pair[order] * span + moment[order]
    first = np.searchsorted(key, pair[order] * span + np.maximum(moment[order] - DAY_SLICES + 1, 0))

    def of_day(values: Codes) -> Codes:  # whole numbers: the same whatever else is read with them
        total = np.concatenate([[0], np.cumsum(values[order])])
        summed = np.empty(len(values), dtype=np.int64)
        summed[order] = total[1:] - total[first]
        return summed

    columns = {"slices_day": of_day(np.ones(len(slices), dtype=np.int64))}
    for name in SUMS:
        values = slices[name].to_numpy()
        slices = slices.set_column(slices.column_names.index(name), name, pa.array(values.astype(np.float64)))
        columns[f"{name}_day"] = of_day(values)
    before = _gaps_before(slices, pair, order)
    for name, gaps in (("gap_s", before), ("gap_sq_s", before**2)):
        summed = of_day(np.rint(slices[name].to_numpy()).astype(np.int64) + gaps)
        summed[order] -= gaps[order][first]  # that gap began before these 24 hours
        columns[f"{name}_day"] = summed
    for name, values in columns.items():
        slices = slices.append_column(name, pa.array(values.astype(np.float64)))
    start = pa.scalar(day.start, pa.timestamp("us", "UTC"))
    slices = slices.drop_columns([*GAPS, *TIMES])
    return slices.filter(pc.greater_equal(slices["window_start_ts"], start)).combine_chunks()


def _gaps_before(slices: pa.Table, pair: Codes, order: Codes) -> Codes:
    """The seconds between each slice's first session and the last one of the pair's slice before; 0 without one."""
    first, last = (
        slices[name].cast(pa.timestamp("s"), safe=False).cast(pa.int64()).to_numpy()[order] for name in TIMES
    )
    follows = np.concatenate([[False], np.diff(pair[order]) == 0])
    gaps = np.empty(len(slices), dtype=np.int64)
    gaps[order] = np.where(follows, np.maximum(first - np.concatenate([[0], last[:-1]]), 0), 0)
    return gaps


def _with_newness(days: MeetingDays, activity: pa.Table, day: Windows) -> pa.Table:
    """The activity with how new and rare its peers, networks and services are."""
    moment = slice_numbers(activity["window_start_ts"])
    met = PeersMet(days, activity, moment, moment - DAY_SLICES)
    met.read(day.start.date() - timedelta(days=LOOKBACK_DAYS), (day.end - WINDOW).date())
    answered = 2 * activity["failed_day"].to_numpy() <= activity["sessions_day"].to_numpy()
    for what in NEWNESS:
        for name, values in met.newness(what, answered).items():
            activity = activity.append_column(f"{what}_{name}", pa.array(values))
    return activity
