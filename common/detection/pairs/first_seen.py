"""Whom hosts met before: when each first met the peers, networks and services of some activity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.detection.pairs.numbering import Numbers, networks, places, slice_numbers
from common.errors import TableError
from common.lake.lake import Lake

# what a first contact can be new in: the peer, its network, the service port, the service in that network
NEWNESS = ("peer", "network", "service", "use")
HOST_BITS, PEER_BITS, SERVICE_BITS = 20, 26, 17  # of 63
QUORUM_HOSTS = 5
QUORUM_SHARE = 0.05
COLUMNS = ["host_ip", "role", "peer_ip", "peer_port", "first_slice_ts"]
Codes = NDArray[np.int64]


class MeetingDays:
    """Which host met which peer in which window, on each date of `pair_days`, as numbers.

    A date is read once and kept for `kept` more dates: the days of a range look back at nearly the same ones. The date
    that is still going on is not in that table; its slices are numbered as they are read.
    """

    def __init__(self, lake: Lake, kept: int) -> None:
        self._lake, self._kept = lake, kept
        self._hosts, self._peers, self._networks = Numbers(), Numbers(), Numbers()
        self._network_of_peer = np.zeros(0, dtype=np.int64)
        self._dates = {entry["date"] for entry in lake.partitions("pair_days")}
        self._days: dict[date, Meetings] = {}

    def of(self, day: date) -> Meetings | None:
        """The first meetings of the date; None where the table has none."""
        if f"{day:%Y-%m-%d}" not in self._dates:
            return None
        if day not in self._days:
            table = self._lake.arrow("pair_days", COLUMNS, date=f"{day:%Y-%m-%d}")
            self._days[day] = self.numbered(table, slice_numbers(table["first_slice_ts"]))
        for old in [known for known in self._days if known < day - timedelta(days=self._kept)]:
            del self._days[old]
        return self._days[day]

    def numbered(self, table: pa.Table, start: Codes) -> Meetings:
        """The rows of a table with host, role, peer and port as numbers.

        Raises:
            TableError: there are more hosts or peers than numbers for them.
        """
        peer = self._peers.of(table["peer_ip"])
        known = len(self._network_of_peer)
        if len(self._peers) > known:
            first, place = np.unique(peer[peer >= known], return_index=True)
            texts = table["peer_ip"].filter(pa.array(peer >= known)).take(pa.array(place)).to_pylist()
            found = self._networks.of(pa.chunked_array([pa.array(networks(texts), pa.string())]))
            self._network_of_peer = np.concatenate([self._network_of_peer, found])
            assert len(self._network_of_peer) == len(self._peers) == int(first[-1]) + 1
        port = table["peer_port"].to_numpy().astype(np.int32)
        role = np.asarray(pc.equal(table["role"], "inbound"), dtype=np.int32)
        host = self._hosts.of(table["host_ip"])
        for what, met, bits in (("hosts", self._hosts, HOST_BITS), ("peers", self._peers, PEER_BITS)):
            if len(met) > 1 << bits:
                raise TableError(
                    f"delta_pair and pair_days in {self._lake.uri} name more than {1 << bits:,} {what} in 30 days",
                    "Leave networks that are not yours out of internal_cidrs, and build the slices anew",
                )
        return Meetings(host.astype(np.int32), peer.astype(np.int32), port * 2 + role, start.astype(np.int32))

    def values(self, meetings: Meetings) -> dict[str, Codes]:
        """What each meeting is with: the numbers of its peer, network, service and use, see `NEWNESS`."""
        role, service = (meetings.service & 1).astype(np.int64), meetings.service.astype(np.int64)
        network = self._network_of_peer[meetings.peer]
        return {
            "peer": meetings.peer.astype(np.int64) * 2 + role,
            "network": network * 2 + role,
            "service": service,
            "use": (network << SERVICE_BITS) + service,
        }


@dataclass(frozen=True, eq=False)
class Meetings:
    """Rows of one table as numbers: host, peer, 2 x port + role (1 for inbound), and the window they began in."""

    host: NDArray[np.int32]
    peer: NDArray[np.int32]
    service: NDArray[np.int32]
    start: NDArray[np.int32]

    def keys(self) -> Codes:
        """A number for each row, the same for the same host, role, peer and port."""
        host, peer = (values.astype(np.int64) for values in (self.host, self.peer))
        return np.asarray((host << PEER_BITS + SERVICE_BITS) + (peer << SERVICE_BITS) + self.service)

    def firsts(self) -> Meetings:
        """The first of the rows of each host, role, peer and port."""
        keys, start = _earliest(self.keys(), self.start.astype(np.int64))
        host, rest = keys >> PEER_BITS + SERVICE_BITS, keys & (1 << PEER_BITS + SERVICE_BITS) - 1
        parts = (host, rest >> SERVICE_BITS, rest & (1 << SERVICE_BITS) - 1, start)
        return Meetings(*(part.astype(np.int32) for part in parts))

    def part(self, rows: NDArray[Any]) -> Meetings:
        """Those rows, by number or as a mask."""
        return Meetings(self.host[rows], self.peer[rows], self.service[rows], self.start[rows])


class PeersMet:
    """The first meetings of all hosts with what occurs in the activity.

    Everything is held as numbers: a value is a peer, network, service or use in one role; a meeting is a value and a
    host. `now` is the window of each row of the activity, `known_by` the last one in which a meeting counts as known.
    """

    def __init__(self, days: MeetingDays, activity: pa.Table, now: Codes, known_by: Codes) -> None:
        self._days, self._now, self._known_by = days, now, known_by
        rows = days.numbered(activity, now)
        self._host = rows.host.astype(np.int64)
        self._values = days.values(rows)
        self._wanted = {what: np.unique(values) for what, values in self._values.items()}
        nothing = np.zeros(0, dtype=np.int64)
        self._met = dict.fromkeys(NEWNESS, (nothing, nothing))
        self._hosts_met = 0
        self._senders: set[int] = set()

    def read(self, parts: Iterable[Meetings | None]) -> None:
        """Takes note of the meetings, those after the activity apart."""
        found: dict[str, list[tuple[Codes, Codes]]] = {what: [] for what in NEWNESS}
        hosts: set[int] = set()
        now, known_by = int(self._now.max()), int(self._known_by.max())
        for part in parts:
            if part is not None and len((meetings := part.part(part.start <= now)).host):
                hosts.update(np.unique(meetings.host[meetings.start <= known_by]).tolist())
                self._senders.update(np.unique(meetings.host[meetings.service & 1 == 0]).tolist())
                self._add(found, meetings)
        for what, entries in found.items():
            if entries:
                self._met[what] = _earliest(*(np.concatenate(part) for part in zip(*entries, strict=True)))
        self._hosts_met = len(hosts)

    def _add(self, parts: dict[str, list[tuple[Codes, Codes]]], meetings: Meetings) -> None:
        host, start = meetings.host.astype(np.int64), meetings.start.astype(np.int64)
        for what, values in self._days.values(meetings).items():
            _, mine = places(self._wanted[what], values)
            parts[what].append(_earliest((values[mine] << HOST_BITS) + host[mine], start[mine]))

    def sends(self) -> NDArray[np.bool_]:
        """For each row of the activity, whether its host began any session in the time that was read."""
        return np.isin(self._host, np.array(sorted(self._senders), dtype=np.int64))

    def newness(self, what: str, answered: NDArray[np.bool_]) -> dict[str, NDArray[np.generic]]:
        """For each row of the activity: `new`, `others`, `bits` and `joined`, see `read_activity`.

        `answered` says in which rows most sessions succeeded.
        """
        meeting, start = self._met[what]
        values, mine = self._values[what], (self._values[what] << HOST_BITS) + self._host
        known = np.zeros(len(values), dtype=bool)
        others, by_now = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
        if len(meeting):
            place, met = places(meeting, mine)
            known = met & (start[place] <= self._known_by)
            mine_by_now = met & (start[place] <= self._now)
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


def _earliest(meeting: Codes, start: Codes) -> tuple[Codes, Codes]:
    """Each meeting once, sorted, with its earliest window."""
    if not len(meeting):
        return meeting, start
    order = np.argsort(meeting)
    meeting = meeting[order]
    first = np.flatnonzero(np.concatenate([[True], np.diff(meeting) != 0]))
    return meeting[first], np.minimum.reduceat(start[order], first)
