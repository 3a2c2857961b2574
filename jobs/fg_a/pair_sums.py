"""Sessions and bytes of hosts with their peers, by bucket: the rows of `delta_pair`, added up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.coded import Names
from common.pair_keys import PEER_BITS, PORT_BITS, Layout, distinct, first_of_each, grouped, of_owners, together
from jobs.fg_a.past import Days, Past
from jobs.fg_a.rows import integers, owned
from jobs.fg_a.sums import Keyed
from jobs.fg_a.timeline import ROLES, Timeline

CODED = ("host_ip", "role", "peer_ip", "peer_segment_id")
COLUMNS = (*CODED, "peer_port", "window_start_ts", "sessions_cnt", "bytes_src_sum", "bytes_dst_sum")


@dataclass(frozen=True)
class PairSums:
    """Sessions and bytes by key, `(n_entries,)` each, sorted; and the segments that were met, `(n_met,)`.

    A key has the owner, the number of the peer, the port, and twice the bucket, plus one if the peer is in
    a high-risk segment. A key of `met` has the owner, the number of a segment, and the bucket.
    """

    layout: Layout
    n_owners: int
    keys: Integers
    sessions: Integers
    bytes: Integers
    met: Integers

    def by_peer(self, past: Past) -> Keyed:
        """The entries by peer."""
        group = self.layout.owner_and_peer(self.keys)
        return self._keyed(group, PEER_BITS, self._bucket, self.sessions, self.bytes, past.peers)

    def by_peer_and_port(self, past: Past) -> Keyed:
        """The entries by peer and service port."""
        group = self.keys >> self.layout.low_bits
        return self._keyed(group, PEER_BITS + PORT_BITS, self._bucket, self.sessions, self.bytes, past.services)

    def by_port(self, past: Past) -> Keyed:
        """The entries by service port."""
        layout = self.layout
        keys, sessions, size = grouped(
            layout.by_port(layout.owner(self.keys), layout.port(self.keys), self._bucket), self.sessions, self.bytes
        )
        return self._keyed(keys >> layout.low_bits, PORT_BITS, layout.low(keys), sessions, size, past.ports)

    def by_risky_peer(self) -> Keyed:
        """The entries of peers in high-risk segments, by peer."""
        risky = np.flatnonzero(self.keys & 1)
        group, bucket = self.layout.owner_and_peer(self.keys)[risky], self._bucket[risky]
        return self._keyed(group, PEER_BITS, bucket, self.sessions[risky], self.bytes[risky])

    def by_segment(self) -> Keyed:
        """The segments that were met, each with one session in a bucket."""
        once = np.ones(len(self.met), dtype=np.int64)
        return self._keyed(self.layout.owner_and_peer(self.met), PEER_BITS, self.layout.low(self.met), once, once)

    def present(self, timeline: Timeline) -> Flags:
        """Whether each host had a session in each bucket, `(n_hosts, n_buckets)`."""
        found = np.zeros((self.n_owners // len(ROLES), timeline.n_buckets), dtype=bool)
        found[self.layout.owner(self.met) // len(ROLES), self.layout.low(self.met)] = True
        return found

    @property
    def _bucket(self) -> Integers:
        return self.layout.low(self.keys) >> 1

    def _keyed(
        self,
        group: Integers,
        bits: int,
        bucket: Integers,
        sessions: Integers,
        size: Integers,
        past: Days | None = None,
    ) -> Keyed:
        """Entries by group, which is sorted and has the owner above so many bits."""
        heads = first_of_each(group)
        groups = group[heads]
        return Keyed(
            owner=groups >> bits,
            n_owners=self.n_owners,
            key=np.repeat(np.arange(len(heads)), np.diff(heads, append=len(group))),
            bucket=bucket,
            sessions=sessions,
            bytes=size,
            past_days=past.at(groups) if past else np.zeros(len(heads), dtype=np.int64),
        )


@dataclass(frozen=True)
class PairPieces:
    """The sums of hosts in pieces, as they were read: keys, sessions and bytes, and keys of `met`, as in `PairSums`."""

    layout: Layout
    peers: pa.Array
    sums: Sequence[tuple[Integers, ...]]
    met: Sequence[Integers]

    def __len__(self) -> int:
        """How many sums they have."""
        return sum(len(keys) for keys, *_ in self.sums)

    def between(self, first: int, last: int) -> PairSums:
        """The sums of the hosts from the first on and before the last, who count from 0 then."""
        bits, owners = self.layout.owner_bits, (first * len(ROLES), last * len(ROLES))
        keys, sessions, size = together([of_owners(keys, bits, *owners, *values) for keys, *values in self.sums])
        met = distinct(np.concatenate([of_owners(keys, bits, *owners)[0] for keys in self.met]))
        return PairSums(self.layout, owners[1] - owners[0], keys, sessions, size, met)


def pair_pieces(
    slices: Iterable[pa.Table], hosts: pa.Array, timeline: Timeline, high_risk_segments: Collection[str]
) -> PairPieces:
    """The sums of these hosts; `slices` are parts of `delta_pair`, each held by itself."""
    layout, peers, segments = timeline.layout, Names(), Names()
    parts: list[tuple[Integers, ...]] = []
    met: list[Integers] = []
    for rows in slices:
        rows, owner = owned(rows, hosts)
        bucket = timeline.buckets(integers(rows, "window_start_ts"))
        segment = segments.numbers(rows["peer_segment_id"])
        met.append(distinct(layout.keys(owner, segment, 0, bucket)))
        risky = pc.is_in(segments.texts, value_set=pa.array(list(high_risk_segments), pa.string()))
        low = bucket << 1 | risky.to_numpy(zero_copy_only=False)[segment]
        keys = layout.keys(owner, peers.numbers(rows["peer_ip"]), integers(rows, "peer_port"), low)
        size = integers(rows, "bytes_src_sum") + integers(rows, "bytes_dst_sum")
        parts.append(grouped(keys, integers(rows, "sessions_cnt"), size))
    return PairPieces(layout, peers.texts, parts, met)
