"""Pairs as the lake holds them: slices of 15 minutes and first contacts of 30 days, read as numbers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Flags, Integers
from common.detection.parameters import PairParameters
from common.errors import TableError
from common.lake.lake import Lake
from common.windows import WINDOW, WINDOW_SECONDS, Windows

TABLES = ("delta_pair", "pair_days")
# what a contact can be new in: the peer, its network, the service port, the service in that network
NOVELTIES = ("peer", "network", "service", "use")
PAIR = ("host_ip", "role", "peer_ip", "peer_port")
SUMS = {"sessions": "sessions_cnt", "failed": "failed_cnt", "sent": "bytes_src_sum", "received": "bytes_dst_sum"}
GAPS = {"gap_s": "gap_sum_s", "gap_sq_s": "gap_sq_sum_s"}
TIMES = ("first_ts", "last_ts")
TEXTS = (*PAIR, "segment_id", "window_start_ts")
SLICE_COLUMNS = [*TEXTS, *SUMS.values(), *GAPS.values(), *TIMES]
DAY_COLUMNS = [*PAIR, "first_slice_ts"]
SLICES_AT_ONCE = 2_000_000
HOST_BITS, PEER_BITS, SERVICE_BITS = 20, 26, 17  # of 63


def has_pairs(lake: Lake) -> bool:
    """Whether the lake has the tables that pairs are read from."""
    return all(lake.exists(name) for name in TABLES)


def read_pairs(
    lake: Lake,
    day: Windows,
    internal_cidrs: Sequence[str],
    hosts: Sequence[str] | None,
    parameters: PairParameters,
    history: ContactHistory,
) -> DayPairs | None:
    """The pairs that occur in the windows of a day, which is at most a UTC date; None without any.

    With `hosts`, the pairs are only theirs, while the contacts are those of all hosts.

    Raises:
        TableError: `delta_pair` or `pair_days` is missing or unreadable.
    """
    table, numbered = _slices(lake, day, history)
    contacts = [numbered.firsts()]
    present, keys = _of_hosts(table, numbered, hosts)
    if not len(present):
        return None
    pairs, first, pair = np.unique(keys, return_index=True, return_inverse=True)
    columns = [_numeric(present, pair.astype(np.int64))]
    midnight = window_number(datetime.combine(day.start.date(), time(), UTC))
    before = Windows(day.start - (parameters.memory_windows - 1) * WINDOW, day.start)
    for windows in _steps(before, SLICES_AT_ONCE * len(day) // len(table)):
        table, numbered = _slices(lake, windows, history)
        if len(table):
            contacts.append(numbered.part(numbered.start >= midnight).firsts())
            earlier, keys = _of_hosts(table, numbered, hosts)
            place, known = places(pairs, keys)
            columns.append(_numeric(earlier.filter(pa.array(known)), place[known]))
    joined = {name: np.concatenate([part.pop(name) for part in columns]) for name in list(columns[0])}
    each = history.numbered(present.take(pa.array(first)), np.zeros(len(first), dtype=np.int64))
    last = int(joined["window"].max())
    seen = history.first_contacts(each, [*history.before(day.start.date()), *contacts], last)
    texts = _with_addresses(present.select(TEXTS), internal_cidrs, parameters)
    return DayPairs(texts, joined, window_number(day.start), seen)


@dataclass(frozen=True, eq=False)
class DayPairs:
    """The slices of some pairs, those of the windows from number `first` on before the earlier ones.

    `texts` are the columns `TEXTS` of the former, with `internal`, whether the peer is, and `network`, its /24 or /64.
    `columns` has the number of the pair, the window and the quantities of all slices, as whole numbers: their sums are
    the same in whatever order they are made.
    """

    texts: pa.Table
    columns: dict[str, Integers]
    first: int
    contacts: FirstContacts


@dataclass(frozen=True, eq=False)
class FirstContacts:
    """What some pairs are, and when hosts first met it, all as numbers.

    `host` and, for each of `NOVELTIES`, `values` are by the number of the pair: its peer, network, service and use, in
    its role. `met` has for each novelty the first contacts of all hosts with these values, a number for value and host,
    sorted, and their windows. `sends` says of each pair whether its host began any session within 30 days; `hosts` is
    how many hosts have any contact before the last 24 hours.
    """

    host: Integers
    values: dict[str, Integers]
    met: dict[str, tuple[Integers, Integers]]
    hosts: int
    sends: Flags


@dataclass(frozen=True, eq=False)
class Contacts:
    """Rows of a table as numbers: host, peer, 2 x port + role (1 for inbound), and the window that they began in."""

    host: NDArray[np.int32]
    peer: NDArray[np.int32]
    service: NDArray[np.int32]
    start: NDArray[np.int32]

    def keys(self) -> Integers:
        """A number for each row, the same for the same host, role, peer and port."""
        host, peer = (values.astype(np.int64) for values in (self.host, self.peer))
        return np.asarray((host << PEER_BITS + SERVICE_BITS) + (peer << SERVICE_BITS) + self.service)

    def firsts(self) -> Contacts:
        """The first of the rows of each host, role, peer and port."""
        keys, start = earliest(self.keys(), self.start.astype(np.int64))
        host, rest = keys >> PEER_BITS + SERVICE_BITS, keys & (1 << PEER_BITS + SERVICE_BITS) - 1
        parts = (host, rest >> SERVICE_BITS, rest & (1 << SERVICE_BITS) - 1, start)
        return Contacts(*(part.astype(np.int32) for part in parts))

    def part(self, rows: NDArray[Any]) -> Contacts:
        """Those rows, by number or as a mask."""
        return Contacts(self.host[rows], self.peer[rows], self.service[rows], self.start[rows])


class ContactHistory:
    """Which host met which peer in which window, on each date of `pair_days`, as numbers.

    A date is read once and kept for as long as later ones look back at it. The date that is still going on is not in
    that table; its slices are numbered as they are read.
    """

    def __init__(self, lake: Lake, parameters: PairParameters) -> None:
        self._lake, self._parameters = lake, parameters
        self._hosts, self._peers, self._networks = Numbers(), Numbers(), Numbers()
        self._network_of_peer = np.zeros(0, dtype=np.int64)
        self._days: dict[date, Contacts] = {}

    def before(self, today: date) -> list[Contacts]:
        """The contacts of the dates that the look-back of `today` reaches, oldest first."""
        days = [today - timedelta(days=age) for age in range(self._parameters.lookback_days, 0, -1)]
        for day in days:
            if day not in self._days:
                table = self._lake.arrow("pair_days", DAY_COLUMNS, date=f"{day:%Y-%m-%d}")
                self._days[day] = self.numbered(table, window_numbers(table["first_slice_ts"]))
        self._days = {day: contacts for day, contacts in self._days.items() if day >= days[0]}
        return [self._days[day] for day in days]

    def numbered(self, table: pa.Table, start: Integers) -> Contacts:
        """The rows of a table with host, role, peer and port as numbers.

        Raises:
            TableError: there are more hosts or peers than can be numbered.
        """
        peer = self._peers.of(table["peer_ip"])
        known = len(self._network_of_peer)
        if len(self._peers) > known:
            first, place = np.unique(peer[peer >= known], return_index=True)
            texts = table["peer_ip"].filter(pa.array(peer >= known)).take(pa.array(place)).to_pylist()
            names = networks(texts, self._parameters.ipv6_network_bits)
            found = self._networks.of(pa.chunked_array([pa.array(names, pa.string())]))
            self._network_of_peer = np.concatenate([self._network_of_peer, found])
            assert len(self._network_of_peer) == len(self._peers) == int(first[-1]) + 1
        port = table["peer_port"].to_numpy().astype(np.int32)
        role = np.asarray(pc.equal(table["role"], "inbound"), dtype=np.int32)
        host = self._hosts.of(table["host_ip"])
        for what, met, bits in (("hosts", self._hosts, HOST_BITS), ("peers", self._peers, PEER_BITS)):
            if len(met) > 1 << bits:
                raise TableError(
                    f"delta_pair and pair_days in {self._lake.uri} name more than {1 << bits:,} {what} in "
                    f"{self._parameters.lookback_days} days",
                    "Take networks that are not yours out of internal_cidrs, and rebuild the slices",
                )
        return Contacts(host.astype(np.int32), peer.astype(np.int32), port * 2 + role, start.astype(np.int32))

    def first_contacts(self, pairs: Contacts, contacts: Sequence[Contacts], last: int) -> FirstContacts:
        """When all hosts first met what the pairs are, by those of the contacts that began up to the window `last`."""
        values = self._values(pairs)
        wanted = {what: np.unique(numbers) for what, numbers in values.items()}
        found: dict[str, list[tuple[Integers, Integers]]] = {what: [] for what in NOVELTIES}
        hosts: set[int] = set()
        senders: set[int] = set()
        for part in (entry.part(entry.start <= last) for entry in contacts):
            hosts.update(np.unique(part.host[part.start <= last - self._parameters.memory_windows]).tolist())
            senders.update(np.unique(part.host[part.service & 1 == 0]).tolist())
            host, start = part.host.astype(np.int64), part.start.astype(np.int64)
            for what, numbers in self._values(part).items():
                _, mine = places(wanted[what], numbers)
                found[what].append(earliest((numbers[mine] << HOST_BITS) + host[mine], start[mine]))
        met = {what: earliest(*(np.concatenate(e) for e in zip(*found[what], strict=True))) for what in NOVELTIES}
        sends = np.isin(pairs.host, np.array(sorted(senders), dtype=np.int64))
        return FirstContacts(pairs.host.astype(np.int64), values, met, len(hosts), sends)

    def _values(self, contacts: Contacts) -> dict[str, Integers]:
        """What each contact reached, by the names of `NOVELTIES`."""
        role, service = (contacts.service & 1).astype(np.int64), contacts.service.astype(np.int64)
        network = self._network_of_peer[contacts.peer]
        return {
            "peer": contacts.peer.astype(np.int64) * 2 + role,
            "network": network * 2 + role,
            "service": service,
            "use": (network << SERVICE_BITS) + service,
        }


class Numbers:
    """A number for each text, in the order in which the texts first occur."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, column: pa.ChunkedArray) -> Integers:
        """The numbers of a column of texts."""
        if not len(column):
            return np.zeros(0, dtype=np.int64)
        encoded = column.combine_chunks().dictionary_encode()
        known = self._known
        found = np.array([known.setdefault(text, len(known)) for text in encoded.dictionary.to_pylist()], np.int64)
        return np.asarray(found[np.asarray(encoded.indices)], dtype=np.int64)


def window_numbers(times: pa.ChunkedArray) -> Integers:
    """Windows as consecutive numbers."""
    seconds = times.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() // 1_000_000
    return np.asarray(seconds // WINDOW_SECONDS, dtype=np.int64)


def window_number(moment: datetime) -> int:
    """The number of the window that starts at that time, or of the last one that starts before it."""
    return int(moment.timestamp()) // WINDOW_SECONDS


def places(wanted: Integers, values: Integers) -> tuple[Integers, Flags]:
    """The position of each value among the wanted ones (sorted, at least one), and whether it is among them."""
    place = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    return place, np.asarray(wanted[place] == values)


def earliest(contact: Integers, start: Integers) -> tuple[Integers, Integers]:
    """Each contact once, sorted, with its earliest window."""
    if not len(contact):
        return contact, start
    order = np.argsort(contact)
    contact = contact[order]
    first = np.flatnonzero(np.concatenate([[True], np.diff(contact) != 0]))
    return contact[first], np.minimum.reduceat(start[order], first)


def networks(addresses: Sequence[str], ipv6_bits: int) -> list[str]:
    """The network of each address: the first three octets of IPv4, a prefix of `ipv6_bits` bits of IPv6."""
    return [
        str(ipaddress.ip_network((address, ipv6_bits), strict=False)) if ":" in address else address.rpartition(".")[0]
        for address in addresses
    ]


def is_internal(addresses: Sequence[str], cidrs: Sequence[str]) -> Flags:
    """Whether each address lies in one of the prefixes."""
    found = np.zeros(len(addresses), dtype=bool)
    prefixes = [ipaddress.ip_network(cidr) for cidr in cidrs]
    ipv4 = [place for place, address in enumerate(addresses) if ":" not in address]
    numbers = np.array([int.from_bytes(socket.inet_aton(addresses[place])) for place in ipv4], dtype=np.int64)
    for prefix in prefixes:
        if prefix.version == 4:
            first = int(prefix.network_address)
            found[ipv4] |= (numbers >= first) & (numbers < first + prefix.num_addresses)
    ipv6 = [prefix for prefix in prefixes if prefix.version == 6]
    for place, text in enumerate(addresses):
        if ":" in text:
            found[place] = any(ipaddress.ip_address(text) in prefix for prefix in ipv6)
    return found


def _slices(lake: Lake, windows: Windows, history: ContactHistory) -> tuple[pa.Table, Contacts]:
    """The slices of the windows, as they are and as numbers."""
    table = lake.arrow("delta_pair", SLICE_COLUMNS, windows)
    return table, history.numbered(table, window_numbers(table["window_start_ts"]))


def _with_addresses(rows: pa.Table, internal_cidrs: Sequence[str], parameters: PairParameters) -> pa.Table:
    """The rows with `internal` and `network`, derived from their peers' addresses."""
    peers = rows["peer_ip"].combine_chunks().dictionary_encode()
    addresses = peers.dictionary.to_pylist()
    inside = pa.array(is_internal(addresses, internal_cidrs)).take(peers.indices)
    names = pa.array(networks(addresses, parameters.ipv6_network_bits), pa.string()).take(peers.indices)
    return rows.append_column("internal", inside).append_column("network", names)


def _steps(windows: Windows, length: int) -> Iterator[Windows]:
    """The windows in runs of that length, at least one window each."""
    start = windows.start
    while start < windows.end:
        end = min(start + max(1, length) * WINDOW, windows.end)
        yield Windows(start, end)
        start = end


def _of_hosts(slices: pa.Table, numbered: Contacts, hosts: Sequence[str] | None) -> tuple[pa.Table, Integers]:
    """The slices of the hosts, all without `hosts`, and the numbers of their pairs."""
    keys = numbered.keys()
    if hosts is None:
        return slices, keys
    mine = pc.is_in(slices["host_ip"], pa.array(hosts, pa.string()))
    return slices.filter(mine), keys[np.asarray(mine)]


def _numeric(table: pa.Table, pair: Integers) -> dict[str, Integers]:
    """The pair, the window and the quantities of slices, as whole numbers; times in seconds."""
    columns = {"pair": pair, "window": window_numbers(table["window_start_ts"])}
    columns |= {name: table[column].to_numpy() for name, column in SUMS.items()}
    columns |= {name: np.rint(table[column].to_numpy()).astype(np.int64) for name, column in GAPS.items()}
    seconds = pa.timestamp("s", "UTC")
    return columns | {name: table[name].cast(seconds, safe=False).cast(pa.int64()).to_numpy() for name in TIMES}
