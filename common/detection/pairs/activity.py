"""What each host did with each peer: a window's pairs, their last 24 hours, and how new and how rare they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.detection.pairs.first_seen import NEWNESS, MeetingDays, Meetings, PeersMet
from common.detection.pairs.numbering import internal, networks, slice_numbers
from common.detection.pairs.slices import DAY_SLICES, read_last_day
from common.lake.lake import Lake
from common.windows import Windows

LOOKBACK_DAYS = 30
TABLES = ("delta_pair", "pair_days")
Codes = NDArray[np.int64]


def has_pairs(lake: Lake) -> bool:
    """Whether the lake has the tables that pair activity is read from."""
    return all(lake.exists(name) for name in TABLES)


def read_activity(
    lake: Lake, windows: Windows, internal_cidrs: Sequence[str], hosts: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The pairs of the windows, at most a UTC date at a time; nothing for a date without any.

    One row per host, role, peer, service port and window, in order of window and pair, without addresses that sent
    nothing in 30 days and answer nobody in the window: a sweep meets many, and they did nothing. With

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
        rows, own = read_last_day(lake, day, hosts, days)
        if rows is not None:
            yield _with_newness(days, own, _with_addresses(rows, internal_cidrs), day)


def _with_addresses(rows: pa.Table, internal_cidrs: Sequence[str]) -> pa.Table:
    """The rows with what their peers' addresses say."""
    peers = rows["peer_ip"].combine_chunks().dictionary_encode()
    inside = pa.array(internal(peers.dictionary.to_pylist(), internal_cidrs)).take(peers.indices)
    network = pa.array(networks(peers.dictionary.to_pylist()), pa.string()).take(peers.indices)
    return rows.append_column("internal", inside).append_column("network", network)


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


def _with_newness(days: MeetingDays, own: Sequence[Meetings], activity: pa.Table, day: Windows) -> pa.Table:
    """The activity with how new and rare its peers, networks and services are; `own` is what the day itself shows."""
    moment = slice_numbers(activity["window_start_ts"])
    met = PeersMet(days, activity, moment, moment - DAY_SLICES)
    today = day.start.date()
    met.read([*(days.of(today - timedelta(days=age)) for age in range(LOOKBACK_DAYS, 0, -1)), *own])
    answered = 2 * activity["failed_day"].to_numpy() <= activity["sessions_day"].to_numpy()
    for what in NEWNESS:
        for name, values in met.newness(what, answered).items():
            activity = activity.append_column(f"{what}_{name}", pa.array(values))
    return activity.filter(pa.array(_alive(activity, met.sends())))


def _alive(activity: pa.Table, sends: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows are of hosts that send, or that answered anybody in the window: others are dark addresses."""
    (window,) = codes(activity, columns=["host_ip", "window_start_ts"])
    answers = activity["failed_day"].to_numpy() < activity["sessions_day"].to_numpy()
    return np.asarray(np.bincount(window, sends | answers)[window] > 0)
