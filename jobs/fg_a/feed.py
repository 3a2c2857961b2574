"""The kernel's feed as arrays: sessions, bytes and history by peer, port, segment and service."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from jobs.fg_a.sums import Keyed, days_met
from jobs.fg_a.timeline import ROLES, Timeline

PORTS = 1 << 16


@dataclass(frozen=True)
class PairEntries:
    """Sessions of owners with peers, `(n_entries,)` each; an owner is host number x 2 + role number.

    Sorted by owner, peer and port. Entries with bucket -1 come from the history and only have `past_days`.
    """

    n_hosts: int
    owner: Integers
    peer: Integers
    port: Integers
    segment: Integers
    risky: Flags
    bucket: Integers
    sessions: Integers
    bytes: Integers
    past_days: Integers

    def by_peer(self) -> Keyed:
        """The entries by peer."""
        return self._keyed(self.peer, int(self.peer.max(initial=0)) + 1, in_order=True)

    def by_port(self) -> Keyed:
        """The entries by service port."""
        return self._keyed(self.port, PORTS)

    def by_segment(self) -> Keyed:
        """The entries by the peer's segment."""
        return self._keyed(self.segment, int(self.segment.max(initial=0)) + 1)

    def by_peer_and_port(self) -> Keyed:
        """The entries by peer and service port."""
        n_codes = (int(self.peer.max(initial=0)) + 1) * PORTS
        return self._keyed(self.peer * PORTS + self.port, n_codes, in_order=True)

    def of_risky_segments(self) -> PairEntries:
        """Only the entries whose peer is in a high-risk segment."""
        return self.taken(np.flatnonzero(self.risky))

    def taken(self, chosen: Integers) -> PairEntries:
        """The entries with these numbers, in this order."""
        columns = {name: getattr(self, name)[chosen] for name in self.__dataclass_fields__ if name != "n_hosts"}
        return PairEntries(n_hosts=self.n_hosts, **columns)

    def hosts_with_history(self, timeline: Timeline) -> Flags:
        """Whether each host had any session in the history before each edge, `(n_hosts, n_edges)`."""
        host = self.owner // len(ROLES)
        current = self.bucket >= 0
        present = np.zeros((self.n_hosts, timeline.n_buckets), dtype=bool)
        present[host[current], self.bucket[current]] = True
        past = np.zeros(self.n_hosts, dtype=np.int64)
        np.bitwise_or.at(past, host[~current], self.past_days[~current])
        return days_met(present, past, timeline) > 0

    def _keyed(self, code: Integers, n_codes: int, *, in_order: bool = False) -> Keyed:
        """The entries by key; with `in_order`, they are already sorted by owner and code."""
        full = self.owner * n_codes + code
        entries = np.flatnonzero(self.bucket >= 0)
        chosen = full[entries]
        if not in_order:
            order = np.argsort(chosen)
            entries, chosen = entries[order], chosen[order]
        heads = np.flatnonzero(np.diff(chosen, prepend=-1))
        keys = chosen[heads]
        past = np.zeros(len(keys), dtype=np.int64)
        old = np.flatnonzero(self.bucket < 0)
        place = np.searchsorted(keys, full[old])
        known = place < len(keys)
        known[known] = keys[place[known]] == full[old[known]]
        np.bitwise_or.at(past, place[known], self.past_days[old[known]])
        return Keyed(
            owner=keys // n_codes,
            n_owners=self.n_hosts * len(ROLES),
            key=np.repeat(np.arange(len(keys)), np.diff(heads, append=len(chosen))),
            bucket=self.bucket[entries],
            sessions=self.sessions[entries],
            bytes=self.bytes[entries],
            past_days=past,
        )


@dataclass(frozen=True)
class HostEntries:
    """Sums of owners by bucket: `counts` and `seconds` are `(n_entries, n_columns)`, everything else `(n_entries,)`."""

    owner: Integers
    bucket: Integers
    counts: Integers
    peak: Integers
    seconds: Floats
    segment: pa.Array


def pair_entries(
    feed: pa.Table, rows: Integers, hosts: pa.Array, timeline: Timeline, high_risk_segments: Collection[str]
) -> PairEntries:
    """The pair and history rows of a feed with these row numbers, as arrays."""
    risky = pc.is_in(feed.column("peer_segment_id"), value_set=pa.array(list(high_risk_segments), pa.string()))
    owner, port, bucket = _places(feed, rows, hosts, timeline)
    past_days = _integers(feed, "past_days", rows)
    unsorted = PairEntries(
        n_hosts=len(hosts),
        owner=owner,
        peer=_codes(feed.column("peer_ip"))[rows],
        port=port,
        segment=_codes(feed.column("peer_segment_id"))[rows],
        risky=risky.to_numpy()[rows],
        bucket=np.where(past_days != 0, -1, bucket),
        sessions=_integers(feed, "sessions_cnt", rows),
        bytes=_integers(feed, "bytes_sum", rows),
        past_days=past_days,
    )
    n_peers = int(unsorted.peer.max(initial=0)) + 1
    return unsorted.taken(np.argsort((unsorted.owner * n_peers + unsorted.peer) * PORTS + unsorted.port))


def host_entries(feed: pa.Table, rows: Integers, hosts: pa.Array, timeline: Timeline) -> HostEntries:
    """The host rows of a feed with these row numbers, as arrays."""
    chosen = feed.take(pa.array(rows))
    owner, _, bucket = _places(feed, rows, hosts, timeline)
    counts = _matrix(chosen, "counts")
    return HostEntries(
        owner=owner,
        bucket=bucket,
        counts=counts[:, :-1],
        peak=counts[:, -1],
        seconds=_matrix(chosen, "seconds"),
        segment=chosen.column("segment_id").combine_chunks(),
    )


def _matrix(rows: pa.Table, name: str) -> NDArray[Any]:
    """A column of lists of equal length as `(n_rows, length)`."""
    values: NDArray[Any] = rows.column(name).combine_chunks().flatten().to_numpy()
    return values.reshape(rows.num_rows, -1)


def _places(feed: pa.Table, rows: Integers, hosts: pa.Array, timeline: Timeline) -> tuple[Integers, Integers, Integers]:
    """Owner, port and bucket of rows, from their host and place."""
    host = pc.index_in(feed.column("host_ip"), value_set=hosts).to_numpy()[rows].astype(np.int64)
    rest, role = np.divmod(_integers(feed, "place", rows), len(ROLES))
    port, bucket = np.divmod(rest, timeline.n_buckets)
    return host * len(ROLES) + role, port, bucket


def _integers(feed: pa.Table, name: str, rows: Integers) -> Integers:
    values: Integers = pc.fill_null(feed.column(name), 0).to_numpy()[rows].astype(np.int64)
    return values


def _codes(column: pa.ChunkedArray) -> Integers:
    encoded = column.combine_chunks().dictionary_encode()
    codes: Integers = pc.fill_null(encoded.indices, 0).to_numpy().astype(np.int64)
    return codes
