"""The evidence of pairs: how new and rare, and how far beyond what is known, a host's dealings with a peer are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.detection.calibration.per_host import HostSurvival
from common.detection.calibration.upper_tail import Tail
from common.detection.pairs.activity import codes
from common.detection.pairs.first_seen import NEWNESS
from common.detection.pairs.numbering import slice_numbers
from common.detection.pairs.prior_maxima import Ceiling
from common.detection.pairs.slices import DAY_SLICES
from common.detection.registry.arrow_json import packed, unpacked

KINDS = ("outbound", "outbound_internal", "inbound", "inbound_internal")
DECADES_MAX = 5.0
HISTORY_SHARE = 0.4
REGULAR_SESSIONS = 5
# what a pair can exceed, see `quantities`
EXCESSES = ("failed_24h", "sessions_24h", "sessions_15m", "slices_24h", "net_sent_24h", "net_sent_mean_24h",
            "regular_24h", "regular_new_24h")  # fmt: skip
# what a host can do more of than ever: counts of a window, those to peers of a first contact, kilobytes sent to these
SPREADS = ("new_peers", "new_networks", "new_services", "new_uses", "failed_new_uses", "failed_peers", "new_sessions",
           "new_sent_kb")  # fmt: skip
PIECES = (*(f"{what}_rarity" for what in NEWNESS), *EXCESSES)
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def kinds_of(activity: pa.Table) -> Codes:
    """The number among `KINDS` of each row."""
    inbound = np.asarray(pc.equal(activity["role"], "inbound"), dtype=np.int64)
    return inbound * 2 + np.asarray(activity["internal"], dtype=np.int64)


def quantities(activity: pa.Table) -> dict[str, Floats]:
    """What is held against ceilings, by the names of `EXCESSES`, scaled so that differences are comparable.

    Counts by their square roots, whose noise is the same everywhere; failed sessions by the share that failed: few
    failures among many sessions are ordinary. Bytes by what was sent beyond what came back. Regularity is
    that of the gaps between sessions, once for all pairs and once for first contacts alone.
    """
    failed, sessions, now, sent, received = (
        activity[name].to_numpy() for name in ("failed_day", "sessions_day", "sessions", "sent_day", "received_day")
    )
    net, regular = np.maximum(sent - received, 0.0), _regularity(activity)
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


def evenness(activity: pa.Table) -> Floats:
    """1 - the coefficient of variation of the gaps between the sessions of 24 hours; 0 where they vary as by chance.

    1 for a clock; sessions that come independently of each other vary by 1 (exponential gaps). 0 below
    `REGULAR_SESSIONS`.
    """
    gaps = activity["sessions_day"].to_numpy() - 1.0
    count = np.maximum(gaps, 1.0)
    mean = activity["gap_s_day"].to_numpy() / count
    spread = np.sqrt(np.maximum(activity["gap_sq_s_day"].to_numpy() / count - mean**2, 0.0))
    counted = (gaps + 1.0 >= REGULAR_SESSIONS) & (mean > 0)
    return np.asarray(np.where(counted, np.maximum(1.0 - spread / np.where(counted, mean, 1.0), 0.0), 0.0))


def _regularity(activity: pa.Table) -> Floats:
    """How far the gaps are from chance: of n independent ones the variation deviates from 1 by about 1 / sqrt(n)."""
    return np.asarray(evenness(activity) * np.sqrt(np.maximum(activity["sessions_day"].to_numpy() - 1.0, 0.0)))


def traffic_group(activity: pa.Table) -> pa.Array:
    """What a pair is compared within: role, network of the peer, and service port."""
    parts = [activity["role"], activity["network"], activity["peer_port"].cast(pa.string())]
    joined = pc.binary_join_element_wise(*parts, " ")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def spreads(activity: pa.Table) -> pa.Table:
    """One row per host, kind and window: the counts of `SPREADS`, with `segment_id`."""
    kind = kinds_of(activity)
    keys = activity.select(["host_ip", "segment_id", "window_start_ts"]).append_column("kind", pa.array(kind))
    (at,) = codes(keys, columns=["host_ip", "window_start_ts", "kind"])
    order = np.unique(at, return_index=True)[1]
    rows = len(order)
    at = np.unique(at, return_inverse=True)[1].astype(np.int64)
    new = {what: np.asarray(activity[f"{what}_new"]) for what in NEWNESS}
    failed = activity["failed"].to_numpy() >= activity["sessions"].to_numpy()
    joined = np.asarray(activity["use_joined"])
    first = (new["peer"] | new["use"]) & ~joined

    def distinct(counted: NDArray[np.bool_], *columns: str) -> Floats:
        (value,) = codes(activity, columns=columns)
        pairs = np.unique(at[counted] * (int(value.max(initial=0)) + 1) + value[counted])
        return np.bincount(pairs // (int(value.max(initial=0)) + 1), minlength=rows).astype(np.float64)

    columns = {
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
        table = table.append_column(name, pa.array(columns[name]))
    return table


@dataclass(frozen=True, eq=False)
class Member:
    """Ceilings of some quantities, the tails of their excess and of others' values, and the survival of their sum.

    A row's evidence is the sum over its pieces of -log10 of the share of training rows of its kind that are at least as
    odd, at most `DECADES_MAX` each. A host's window counts with its strongest row of each kind; how rare that is for
    the host and for all is its surprise, see `HostSurvival`.
    """

    ceilings: Mapping[str, Ceiling]
    tails: Mapping[str, Tail]
    survivals: Mapping[str, HostSurvival]

    def pieces(self, values: Mapping[str, Floats], kind: Codes) -> Floats:
        """The evidence of each piece, shape (n_rows, n_values)."""
        found = np.zeros((len(kind), len(values)))
        for column, (name, value) in enumerate(values.items()):
            for number, label in enumerate(KINDS):
                mine = kind == number
                if mine.any() and (tail := self.tails.get(f"{label} {name}")):
                    found[mine, column] = tail.evidence(value[mine], DECADES_MAX)
        return found

    def surprises(self, sums: Floats, kind: Codes, hosts: NDArray[Any], trained: bool = False) -> Floats:
        """The surprise of each row's sum, 0 without evidence and where training had no row of its kind."""
        found = np.zeros(len(sums))
        for number, label in enumerate(KINDS):
            mine = kind == number
            if mine.any() and (survival := self.survivals.get(label)):
                found[mine] = survival.surprise(sums[mine], hosts[mine], trained)
        return np.asarray(np.where(sums > 0, found, 0.0))

    def to_dict(self) -> dict[str, Any]:
        """The member as JSON values."""
        return {
            "ceilings": {
                name: {part: packed(table) for part, table in ceiling.tables().items()}
                for name, ceiling in self.ceilings.items()
            },
            "tails": {name: tail.to_dict() for name, tail in self.tails.items()},
            "survivals": {name: survival.to_dict() for name, survival in self.survivals.items()},
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Member:
        """The member that `to_dict` wrote."""
        ceilings = {
            name: Ceiling.from_tables({part: unpacked(text) for part, text in tables.items()})
            for name, tables in raw["ceilings"].items()
        }
        tails = {name: Tail.from_dict(tail) for name, tail in raw["tails"].items()}
        survivals = {name: HostSurvival.from_dict(survival) for name, survival in raw["survivals"].items()}
        return cls(ceilings, tails, survivals)


def fit_tails(values: Mapping[str, Floats], kind: Codes) -> dict[str, Tail]:
    """The tails of each value in each kind."""
    return {
        f"{label} {name}": Tail.fit(value[kind == number])
        for name, value in values.items()
        for number, label in enumerate(KINDS)
        if (kind == number).any()
    }


def strongest(sums: Floats, hosts: Codes, moments: Codes, kind: Codes) -> Codes:
    """The row with the highest sum of each host, window and kind; the first of equals."""
    order = np.lexsort((-sums, kind, moments, hosts))
    changed = (np.diff(hosts[order]) != 0) | (np.diff(moments[order]) != 0) | (np.diff(kind[order]) != 0)
    return order[np.concatenate([[True], changed])] if len(order) else order


def bits_of(activity: pa.Table) -> dict[str, Floats]:
    """The rarity of first contacts, by the names of `PIECES`."""
    return {f"{what}_rarity": activity[f"{what}_bits"].to_numpy() for what in NEWNESS}


def days_of(table: pa.Table) -> Codes:
    """The UTC dates of the windows as numbers."""
    return slice_numbers(table["window_start_ts"]) // DAY_SLICES
