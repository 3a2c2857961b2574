"""The kernel's feed as arrays: keys of every kind, with their sessions, bytes and history."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.fg_a.sums import Bools, Keyed, days_met
from jobs.fg_a.timeline import Index, Timeline

PORTS = 1 << 16
ROLES = ("outbound", "inbound")


@dataclass(frozen=True)
class PairEntries:
    """What owners (a host in a role: host number x 2 + role number) had to do with peers, `(n_entries,)` each.

    Entries with bucket -1 come from the history, and have nothing but `past_days`.
    """

    n_hosts: int
    owner: Index
    peer: Index
    port: Index
    segment: Index
    risky: Bools
    bucket: Index
    sessions: Index
    bytes: Index
    past_days: Index

    def by_peer(self) -> Keyed:
        """Keyed by peer."""
        return self._keyed(self.peer, int(self.peer.max(initial=0)) + 1)

    def by_port(self) -> Keyed:
        """Keyed by service port."""
        return self._keyed(self.port, PORTS)

    def by_segment(self) -> Keyed:
        """Keyed by the peer's segment."""
        return self._keyed(self.segment, int(self.segment.max(initial=0)) + 1)

    def by_peer_and_port(self) -> Keyed:
        """Keyed by peer and service port."""
        return self._keyed(self.peer * PORTS + self.port, (int(self.peer.max(initial=0)) + 1) * PORTS)

    def of_risky_segments(self) -> PairEntries:
        """Only the entries whose peer is in a high-risk segment."""
        columns = {name: getattr(self, name)[self.risky] for name in self.__dataclass_fields__ if name != "n_hosts"}
        return PairEntries(n_hosts=self.n_hosts, **columns)

    def hosts_with_history(self, timeline: Timeline) -> Bools:
        """Whether each host had any session in the history before each edge, `(n_hosts, n_edges)`."""
        host = self.owner // len(ROLES)
        current = self.bucket >= 0
        present = np.zeros((self.n_hosts, timeline.n_buckets), dtype=bool)
        present[host[current], self.bucket[current]] = True
        past = np.zeros(self.n_hosts, dtype=np.int64)
        np.bitwise_or.at(past, host[~current], self.past_days[~current])
        return days_met(present, past, timeline) > 0

    def _keyed(self, code: Index, n_codes: int) -> Keyed:
        full = self.owner * n_codes + code
        current = self.bucket >= 0
        keys, key = np.unique(full[current], return_inverse=True)
        order = np.argsort(key, kind="stable")
        past = np.zeros(len(keys), dtype=np.int64)
        old = np.flatnonzero(~current)
        place = np.searchsorted(keys, full[old])
        known = place < len(keys)
        known[known] = keys[place[known]] == full[old[known]]
        np.bitwise_or.at(past, place[known], self.past_days[old[known]])
        return Keyed(
            owner=keys // n_codes,
            n_owners=self.n_hosts * len(ROLES),
            key=key[order],
            bucket=self.bucket[current][order],
            sessions=self.sessions[current][order],
            bytes=self.bytes[current][order],
            past_days=past,
        )


@dataclass(frozen=True)
class HostEntries:
    """Sums of owners by bucket: `values` is `(n_entries, n_sums + 1)`, the peak last; `durations` in seconds."""

    owner: Index
    bucket: Index
    values: Index
    durations: np.ndarray[tuple[int], np.dtype[np.float64]]
    segment: pa.Array


def owners_of(rows: pa.Table, hosts: pa.Array) -> Index:
    """The owner number of each row."""
    host = pc.index_in(rows.column("host_ip"), value_set=hosts).to_numpy()
    role = pc.index_in(rows.column("role"), value_set=pa.array(ROLES)).to_numpy()
    owners: Index = host.astype(np.int64) * len(ROLES) + role
    return owners


def pair_entries(rows: pa.Table, hosts: pa.Array, high_risk_segments: Collection[str]) -> PairEntries:
    """The pair and history rows of a feed as arrays."""
    segment = _codes(rows.column("peer_segment_id"))
    risky = pc.is_in(rows.column("peer_segment_id"), value_set=pa.array(list(high_risk_segments), pa.string()))
    return PairEntries(
        n_hosts=len(hosts),
        owner=owners_of(rows, hosts),
        peer=_codes(rows.column("peer_ip")),
        port=_integers(rows, "peer_port"),
        segment=segment,
        risky=risky.to_numpy(),
        bucket=_integers(rows, "bucket", -1),
        sessions=_integers(rows, "sessions_cnt"),
        bytes=_integers(rows, "bytes_sum"),
        past_days=_integers(rows, "past_days"),
    )


def host_entries(rows: pa.Table, hosts: pa.Array) -> HostEntries:
    """The host rows of a feed as arrays."""
    lists = rows.column("sums").combine_chunks()
    return HostEntries(
        owner=owners_of(rows, hosts),
        bucket=_integers(rows, "bucket"),
        values=lists.flatten().to_numpy().reshape(rows.num_rows, -1),
        durations=rows.column("durations").to_numpy(),
        segment=rows.column("segment_id").combine_chunks(),
    )


def _integers(rows: pa.Table, name: str, absent: int = 0) -> Index:
    values: Index = pc.fill_null(rows.column(name).cast(pa.int64()), absent).to_numpy()
    return values


def _codes(column: pa.ChunkedArray) -> Index:
    encoded = column.combine_chunks().dictionary_encode()
    codes: Index = pc.fill_null(encoded.indices.cast(pa.int64()), 0).to_numpy()
    return codes
