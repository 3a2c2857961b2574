"""Whom hosts met before: when each first met the peers, networks and services of some activity."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.lake import Lake
from common.model.peers import Numbers, networks
from common.windows import WINDOW_SECONDS

# what a first contact can be new in: the peer, its network, the service port, the service in that network
NEWNESS = ("peer", "network", "service", "use")
HOST_BITS = 22
QUORUM_HOSTS = 5
QUORUM_SHARE = 0.05
COLUMNS = ["host_ip", "role", "peer_ip", "peer_port", "first_slice_ts"]
Codes = NDArray[np.int64]


class PeersMet:
    """The first meetings of all hosts with what occurs in the activity, from `pair_days`.

    Everything is held as numbers: a value is a peer, network, service or use in one role; a meeting is a value and a
    host. `now` is the window of each row of the activity, `known_by` the last one in which a meeting counts as known.
    """

    def __init__(self, activity: pa.Table, now: Codes, known_by: Codes) -> None:
        self._hosts, self._peers, self._networks = Numbers(), Numbers(), Numbers()
        self._network_of_peer = np.zeros(0, dtype=np.int64)
        self._now, self._known_by = now, known_by
        self._host = self._hosts.of(activity["host_ip"])
        self._values = self._values_of(activity)
        self._wanted = {what: np.unique(values) for what, values in self._values.items()}
        nothing = np.zeros(0, dtype=np.int64)
        self._met = dict.fromkeys(NEWNESS, (nothing, nothing))
        self._hosts_met = 0

    def read(self, lake: Lake, first: date, last: date) -> None:
        """Reads the days from the first to the last."""
        days = {entry["date"] for entry in lake.partitions("pair_days")}
        parts: dict[str, list[tuple[Codes, Codes]]] = {what: [] for what in NEWNESS}
        hosts: set[int] = set()
        now, known_by = int(self._now.max()), int(self._known_by.max())
        for number in range((last - first).days + 1):
            day = f"{first + timedelta(days=number):%Y-%m-%d}"
            if day in days:
                table = lake.arrow("pair_days", COLUMNS, date=day)
                start = _slices(table["first_slice_ts"])
                table, start = table.filter(pa.array(start <= now)), start[start <= now]
                if len(table):
                    host = self._hosts.of(table["host_ip"])
                    hosts.update(np.unique(host[start <= known_by]).tolist())
                    self._add(parts, table, host, start)
        for what, found in parts.items():
            if found:
                self._met[what] = _earliest(*(np.concatenate(part) for part in zip(*found, strict=True)))
        self._hosts_met = len(hosts)

    def _add(self, parts: dict[str, list[tuple[Codes, Codes]]], table: pa.Table, host: Codes, start: Codes) -> None:
        for what, values in self._values_of(table).items():
            wanted = self._wanted[what]
            place = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
            mine = wanted[place] == values
            parts[what].append(_earliest((values[mine] << HOST_BITS) + host[mine], start[mine]))

    def newness(self, what: str, answered: NDArray[np.bool_]) -> dict[str, NDArray[np.generic]]:
        """For each row of the activity: `new`, `others`, `bits` and `joined`, see `read_activity`.

        `answered` says in which rows most sessions succeeded.
        """
        meeting, start = self._met[what]
        values, mine = self._values[what], (self._values[what] << HOST_BITS) + self._host
        known = np.zeros(len(values), dtype=bool)
        others, by_now = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
        if len(meeting):
            place = np.minimum(np.searchsorted(meeting, mine), len(meeting) - 1)
            known = (meeting[place] == mine) & (start[place] <= self._known_by)
            mine_by_now = (meeting[place] == mine) & (start[place] <= self._now)
            wanted = self._wanted[what]
            origin = min(int(start.min()), int(self._known_by.min()))
            span = max(int(start.max()), int(self._now.max())) - origin + 2
            ordered = np.sort(np.searchsorted(wanted, meeting >> HOST_BITS) * span + start - origin)
            base = np.searchsorted(wanted, values) * span
            first = np.searchsorted(ordered, base)
            others = np.searchsorted(ordered, base + self._known_by - origin, side="right") - first - known
            by_now = np.searchsorted(ordered, base + self._now - origin, side="right") - first - mine_by_now
        quorum = max(QUORUM_HOSTS, QUORUM_SHARE * self._hosts_met)
        outbound = values & 1 == 0  # whom others contact did nothing itself
        joined = (by_now - others >= quorum) & outbound & answered
        others = np.where(joined, by_now, others)
        bits = np.log2((np.maximum(self._hosts_met, others) + 1) / (others + 1))
        bits = np.where(known | joined, 0.0, bits)
        return {"new": ~known, "others": others, "bits": bits, "joined": joined & ~known}

    def _values_of(self, table: pa.Table) -> dict[str, Codes]:
        """The numbers of the peers, networks, services and uses of the rows."""
        peer = self._peers.of(table["peer_ip"])
        network = self._networks_of(table["peer_ip"], peer)
        port = table["peer_port"].to_numpy().astype(np.int64)
        role = np.asarray(pc.equal(table["role"], "inbound"), dtype=np.int64)
        return {
            "peer": peer * 2 + role,
            "network": network * 2 + role,
            "service": port * 2 + role,
            "use": ((network << 16) + port) * 2 + role,
        }

    def _networks_of(self, column: pa.ChunkedArray, peer: Codes) -> Codes:
        known = len(self._network_of_peer)
        if len(self._peers) > known:
            fresh = peer >= known
            first, place = np.unique(peer[fresh], return_index=True)
            texts = column.filter(pa.array(fresh)).take(pa.array(place)).to_pylist()
            found = self._networks.of(pa.chunked_array([pa.array(networks(texts), pa.string())]))
            self._network_of_peer = np.concatenate([self._network_of_peer, found])
            assert len(self._network_of_peer) == len(self._peers) == int(first[-1]) + 1
        return self._network_of_peer[peer]


def _slices(times: pa.ChunkedArray) -> Codes:
    seconds = times.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() // 1_000_000
    return np.asarray(seconds // WINDOW_SECONDS, dtype=np.int64)


def _earliest(meeting: Codes, start: Codes) -> tuple[Codes, Codes]:
    """Each meeting once, sorted, with its earliest window."""
    order = np.lexsort((start, meeting))
    found, first = np.unique(meeting[order], return_index=True)
    return found, start[order][first]
