"""The evidence of pairs: how rare first contacts are, and by how much quantities exceed their prior maxima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.address_codes import address_codes
from common.arrays import Flags, Floats, Integers
from common.detection.pairs.contacts import distinct, of_texts, window_numbers
from common.detection.pairs.group_codes import group_codes
from common.detection.parameters import PairParameters

KINDS = ("outbound", "outbound_internal", "inbound", "inbound_internal")
# who has used a pair's service in its network before: its host, others there, or nobody in that network
NOVELTY = ("known", "new", "unheard")
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
    are `common` have no excess: many hosts have just begun the same, and its usual amount is not known yet. `window` is
    the number of each row's window. `novelty` is an index of `NOVELTY`: amounts are compared with training rows that
    are as new.
    """

    rows: pa.Table
    kind: Integers
    group: Coded
    rarities: Mapping[str, Floats]
    amounts: Mapping[str, Floats]
    common: Flags
    host: Coded
    window: Integers
    novelty: Integers

    @property
    def contexts(self) -> Integers:
        """What amounts of each row are compared with, as numbers: its kind and its novelty."""
        return self.kind * len(NOVELTY) + self.novelty


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of codes, of groups or of hosts, as places in `codes`, which has each once and rises."""

    numbers: Integers
    codes: Integers

    @classmethod
    def of(cls, values: Integers) -> Coded:
        """The column of these codes."""
        encoded = pa.array(values).dictionary_encode()
        codes = np.asarray(encoded.dictionary, dtype=np.int64)
        order = np.argsort(codes)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return cls(rank[np.asarray(encoded.indices)], codes[order])

    @property
    def values(self) -> Integers:
        """The code of each row."""
        return self.codes[self.numbers]


def pair_evidence(activity: pa.Table, parameters: PairParameters) -> Evidence:
    """The evidence of each pair, compared with those of its group."""
    return Evidence(
        activity,
        _kinds(activity),
        pair_groups(activity),
        {f"{what}_rarity": activity[f"{what}_bits"].to_numpy() for what in NOVELTIES},
        _quantities(activity, parameters),
        np.asarray(activity["use_joined"]),
        hosts_of(activity),
        np.asarray(activity["window_number"], dtype=np.int64),
        _novelty(activity),
    )


def pair_groups(activity: pa.Table) -> Coded:
    """What each pair is compared with: pairs of the same role, network and service port."""
    return Coded.of(activity["group"].to_numpy())


def hosts_of(rows: pa.Table) -> Coded:
    """The hosts of rows, by the codes of their addresses."""
    return Coded.of(of_texts(rows["host_ip"], address_codes))


def spread_evidence(counts: pa.Table) -> Evidence:
    """The evidence of each row of `spreads`: the counts of `SPREADS`, compared within kind and segment."""
    kinds = counts["kind"].to_numpy()
    return Evidence(
        counts,
        kinds,
        Coded.of(group_codes(of_texts(counts["segment_id"], address_codes), kinds)),
        {},
        {name: np.log10(1.0 + counts[name].to_numpy()) for name in SPREADS},
        np.zeros(len(counts), dtype=bool),
        hosts_of(counts),
        np.asarray(counts["window_number"], dtype=np.int64),
        np.zeros(len(counts), dtype=np.int64),
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


def codes(*tables: pa.Table, columns: Sequence[str] = ()) -> list[Integers]:
    """A number for each distinct combination of the columns (of all), the same in all tables; an array for each table.

    Columns are of texts, whole numbers or starts of windows.
    """
    combined = np.zeros(sum(len(table) for table in tables), dtype=np.int64)
    for name in columns or tables[0].column_names:
        part = _numbers([table[name] for table in tables])
        combined = combined * (int(part.max(initial=0)) + 1) + part
    return np.split(combined, np.cumsum([len(table) for table in tables])[:-1])


def in_order(values: Integers) -> tuple[Integers, Integers]:
    """A number for each distinct value, in the order in which they first occur; and the row where each one does."""
    _, first, number = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[number], first[order]


def _numbers(columns: Sequence[pa.ChunkedArray]) -> Integers:
    """A whole number, 0 or more, for each value of the columns, one after the other."""
    kind = columns[0].type
    if pa.types.is_timestamp(kind):
        found = np.concatenate([window_numbers(column) for column in columns])
    elif pa.types.is_integer(kind):
        found = np.concatenate([column.to_numpy().astype(np.int64) for column in columns])
    else:
        encoded = [column if pa.types.is_dictionary(column.type) else column.dictionary_encode() for column in columns]
        chunks = [chunk for column in encoded for chunk in column.chunks]
        whole = pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
        return np.asarray(whole.combine_chunks().indices, dtype=np.int64)
    return np.asarray(found - (found.min() if len(found) else 0), dtype=np.int64)


def _kinds(activity: pa.Table) -> Integers:
    """The index in `KINDS` of each row."""
    inbound = of_texts(activity["role"], lambda texts: np.asarray(pc.equal(texts, "inbound"), dtype=np.int64))
    return inbound * 2 + np.asarray(activity["internal"], dtype=np.int64)


def _novelty(activity: pa.Table) -> Integers:
    """The index in `NOVELTY` of each row; what many begin at once is known."""
    new = np.asarray(activity["use_new"]) & ~np.asarray(activity["use_joined"])
    unheard = np.asarray(activity["network_others"]) == 0
    return np.where(new, np.where(unheard, NOVELTY.index("unheard"), NOVELTY.index("new")), NOVELTY.index("known"))


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


def spreads(activity: pa.Table) -> pa.Table:
    """One row per host, kind and window: the counts of `SPREADS`, with `segment_id`."""
    columns = ["host_ip", "segment_id", "window_start_ts", "window_number"]
    keys = activity.select(columns).append_column("kind", pa.array(_kinds(activity)))
    host, kind = (in_order(codes(keys, columns=[name])[0])[0] for name in ("host_ip", "kind"))
    (window,) = codes(keys, columns=["window_number"])
    cells = (host * (int(window.max(initial=0)) + 1) + window) * len(KINDS) + kind
    _, order, at = np.unique(cells, return_index=True, return_inverse=True)
    rows = len(order)
    new = {what: np.asarray(activity[f"{what}_new"]) for what in NOVELTIES}
    failed = activity["failed"].to_numpy() >= activity["sessions"].to_numpy()
    joined = np.asarray(activity["use_joined"])
    first = (new["peer"] | new["use"]) & ~joined
    peer, port = (codes(activity, columns=[name])[0] for name in ("peer_ip", "peer_port"))
    network = Coded.of(activity["network"].to_numpy()).numbers
    use = peer * (int(port.max(initial=0)) + 1) + port

    def different(counted: Flags, value: Integers) -> Floats:
        span = int(value.max(initial=0)) + 1
        return np.bincount(distinct(at[counted] * span + value[counted]) // span, minlength=rows).astype(np.float64)

    counts = {
        "new_peers": different(new["peer"] & ~joined, peer),
        "new_networks": different(new["network"] & ~joined, network),
        "new_services": different(new["service"] & ~joined, port),
        "new_uses": different(first, use),
        "failed_new_uses": different(first & failed, use),
        "failed_peers": different(failed, peer),
        "new_sessions": np.bincount(at, activity["sessions"].to_numpy() * first, rows),
        "new_sent_kb": np.bincount(at, activity["sent"].to_numpy() * first, rows) / 1000.0,
    }
    table = keys.take(pa.array(order))
    for name in SPREADS:
        table = table.append_column(name, pa.array(counts[name]))
    return table
