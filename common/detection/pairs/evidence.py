"""The evidence of pairs: how rare first contacts are, and by how much quantities exceed their prior maxima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Floats, Integers
from common.detection.parameters import PairParameters

KINDS = ("outbound", "outbound_internal", "inbound", "inbound_internal")
# what a contact can be new in: the peer, its network, the service port, the service in that network
NOVELTIES = ("peer", "network", "service", "use")
# what a pair can exceed, see `_quantities`
EXCESSES = ("failed_24h", "sessions_24h", "sessions_15m", "slices_24h", "net_sent_24h", "net_sent_mean_24h",
            "regular_24h", "regular_new_24h")  # fmt: skip
# what a host can do more of than ever: counts of a window, those to peers of a first contact, kilobytes sent to these
SPREADS = ("new_peers", "new_networks", "new_services", "new_uses", "failed_new_uses", "failed_peers", "new_sessions",
           "new_sent_kb")  # fmt: skip
PIECES = (*(f"{what}_rarity" for what in NOVELTIES), *EXCESSES)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence of some rows, each for a host, a kind (an index of `KINDS`) and a window.

    `rarities` count as they are; `amounts` count by their excess over the prior maximum of the row's `group`. Rows that
    are `common` have no excess: many hosts have just begun the same, and its usual amount is not known yet. `host` and
    `window` are the numbers of each row's host and window.
    """

    rows: pa.Table
    kind: Integers
    group: pa.Array
    rarities: Mapping[str, Floats]
    amounts: Mapping[str, Floats]
    common: Flags
    host: Integers
    window: Integers


def pair_evidence(activity: pa.Table, parameters: PairParameters) -> Evidence:
    """The evidence of each pair, compared with pairs of the same role, network and service port."""
    parts = [activity["role"], activity["network"], activity["peer_port"].cast(pa.string())]
    (host,) = codes(activity, columns=["host_ip"])
    return Evidence(
        activity,
        _kinds(activity),
        _text(parts),
        {f"{what}_rarity": activity[f"{what}_bits"].to_numpy() for what in NOVELTIES},
        _quantities(activity, parameters),
        np.asarray(activity["use_joined"]),
        host,
        np.asarray(activity["window_number"], dtype=np.int64),
    )


def spread_evidence(activity: pa.Table) -> Evidence:
    """The evidence of each host, kind and window: the counts of `SPREADS`, compared within kind and segment."""
    counts = _spreads(activity)
    (host,) = codes(counts, columns=["host_ip"])
    return Evidence(
        counts,
        counts["kind"].to_numpy(),
        _text([pa.array(KINDS).take(counts["kind"].combine_chunks()), counts["segment_id"]]),
        {},
        {name: np.log10(1.0 + counts[name].to_numpy()) for name in SPREADS},
        np.zeros(len(counts), dtype=bool),
        host,
        np.asarray(counts["window_number"], dtype=np.int64),
    )


def evenness(activity: pa.Table, sessions_min: int) -> Floats:
    """1 - the coefficient of variation of the gaps between the sessions of 24 hours; 0 where they vary as by chance.

    1 for a clock; sessions that come independently of each other vary by 1 (exponential gaps). 0 for fewer than
    `sessions_min` sessions.
    """
    gaps = activity["sessions_day"].to_numpy() - 1.0
    count = np.maximum(gaps, 1.0)
    mean = activity["gap_s_day"].to_numpy() / count
    spread = np.sqrt(np.maximum(activity["gap_sq_s_day"].to_numpy() / count - mean**2, 0.0))
    counted = (gaps + 1.0 >= sessions_min) & (mean > 0)
    return np.asarray(np.where(counted, np.maximum(1.0 - spread / np.where(counted, mean, 1.0), 0.0), 0.0))


def codes(*tables: pa.Table, columns: Sequence[str]) -> list[Integers]:
    """A number for each distinct combination of the columns, the same in all tables; one array for each table."""
    combined = np.zeros(sum(len(table) for table in tables), dtype=np.int64)
    for number, name in enumerate(columns):
        chunks = [chunk for table in tables for chunk in table[name].chunks]
        part = np.asarray(pa.chunked_array(chunks).combine_chunks().dictionary_encode().indices, dtype=np.int64)
        combined = combined * (int(part.max(initial=0)) + 1) + part
        if number:
            combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
    return np.split(combined, np.cumsum([len(table) for table in tables])[:-1])


def _kinds(activity: pa.Table) -> Integers:
    """The index in `KINDS` of each row."""
    inbound = np.asarray(pc.equal(activity["role"], "inbound"), dtype=np.int64)
    return inbound * 2 + np.asarray(activity["internal"], dtype=np.int64)


def _quantities(activity: pa.Table, parameters: PairParameters) -> dict[str, Floats]:
    """The quantities compared with prior maxima, by the names of `EXCESSES`, scaled so that differences are comparable.

    Counts by their square roots, whose noise is the same everywhere; failed sessions by the share that failed: few
    failures among many sessions are ordinary. Bytes by what was sent beyond what came back. Regularity is by how far
    the gaps between sessions are from chance, once for all pairs and once for first contacts alone: the variation of n
    independent gaps deviates from 1 by about 1 / sqrt(n).
    """
    failed, sessions, now, sent, received = (
        activity[name].to_numpy() for name in ("failed_day", "sessions_day", "sessions", "sent_day", "received_day")
    )
    net = np.maximum(sent - received, 0.0)
    regular = np.asarray(evenness(activity, parameters.regular_sessions) * np.sqrt(np.maximum(sessions - 1.0, 0.0)))
    return {
        "failed_24h": failed / np.sqrt(np.maximum(sessions, 1.0)),
        "sessions_24h": np.sqrt(sessions),
        "sessions_15m": np.sqrt(now),
        "slices_24h": np.sqrt(activity["slices_day"].to_numpy()),
        "net_sent_24h": np.log10(1.0 + net),
        "net_sent_mean_24h": np.log10(1.0 + net / np.maximum(sessions, 1.0)),
        "regular_24h": regular,
        "regular_new_24h": regular * np.asarray(activity["peer_new"]),
    }


def _spreads(activity: pa.Table) -> pa.Table:
    """One row per host, kind and window: the counts of `SPREADS`, with `segment_id`."""
    columns = ["host_ip", "segment_id", "window_start_ts", "window_number"]
    keys = activity.select(columns).append_column("kind", pa.array(_kinds(activity)))
    (at,) = codes(keys, columns=["host_ip", "window_start_ts", "kind"])
    order = np.unique(at, return_index=True)[1]
    rows = len(order)
    at = np.unique(at, return_inverse=True)[1].astype(np.int64)
    new = {what: np.asarray(activity[f"{what}_new"]) for what in NOVELTIES}
    failed = activity["failed"].to_numpy() >= activity["sessions"].to_numpy()
    joined = np.asarray(activity["use_joined"])
    first = (new["peer"] | new["use"]) & ~joined

    def distinct(counted: Flags, *names: str) -> Floats:
        (value,) = codes(activity, columns=names)
        pairs = np.unique(at[counted] * (int(value.max(initial=0)) + 1) + value[counted])
        return np.bincount(pairs // (int(value.max(initial=0)) + 1), minlength=rows).astype(np.float64)

    counts = {
        "new_peers": distinct(new["peer"] & ~joined, "peer_ip"),
        "new_networks": distinct(new["network"] & ~joined, "network"),
        "new_services": distinct(new["service"] & ~joined, "peer_port"),
        "new_uses": distinct(first, "peer_ip", "peer_port"),
        "failed_new_uses": distinct(first & failed, "peer_ip", "peer_port"),
        "failed_peers": distinct(failed, "peer_ip"),
        "new_sessions": np.bincount(at, activity["sessions"].to_numpy() * first, rows),
        "new_sent_kb": np.bincount(at, activity["sent"].to_numpy() * first, rows) / 1000.0,
    }
    table = keys.take(pa.array(order))
    for name in SPREADS:
        table = table.append_column(name, pa.array(counts[name]))
    return table


def _text(columns: Sequence[pa.ChunkedArray | pa.Array]) -> pa.Array:
    """The columns as one text for each row."""
    joined = pc.binary_join_element_wise(*columns, " ")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
