"""Pairs as the lake holds them: slices of 15 minutes and first contacts of 30 days, read as numbers."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.addresses import NETWORK_SIGN
from common.arrays import Flags, Integers
from common.detection.parameters import PairParameters
from common.errors import TableError
from common.lake.lake import Lake
from common.windows import WINDOW, WINDOW_SECONDS, Windows

TABLES = ("delta_pair", "pair_days")
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
    hosts: Sequence[str] | None,
    parameters: PairParameters,
    history: ContactHistory,
) -> DayPairs | None:
    """The pairs that occur in the windows of a day, which is at most a UTC date; None without any.

    With `hosts`, the pairs are only theirs, while the contacts are those of all hosts.

    Raises:
        TableError: a table is missing or unreadable.
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
    contacts = [*history.before(day.start.date()), *contacts]
    return DayPairs(present.select(TEXTS), joined, window_number(day.start), each, contacts)


@dataclass(frozen=True, eq=False)
class DayPairs:
    """The slices of some pairs, those of the windows from number `first` on before the earlier ones.

    `texts` are the columns `TEXTS` of the former. `columns` has the number of the pair, the window and the quantities
    of all slices, as whole numbers: their sums are the same in whatever order they are made. `pairs` says what each
    pair is, by its number; `contacts` are those of all hosts since the oldest date of the look-back.
    """

    texts: pa.Table
    columns: dict[str, Integers]
    first: int
    pairs: Contacts
    contacts: list[Contacts]


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

    Only `dates` are read, those that the table has: each once, and kept for as long as later ones look back at it. The
    date that is still going on is not among them; its slices are numbered as they are read. `network_of_peer` is the
    number of each peer's network.
    """

    def __init__(self, lake: Lake, dates: Collection[str], parameters: PairParameters) -> None:
        self._lake, self._dates, self._parameters = lake, dates, parameters
        self._hosts, self._peers, self._networks = Numbers(), Numbers(), Numbers()
        self.network_of_peer = np.zeros(0, dtype=np.int64)
        self._days: dict[str, Contacts] = {}

    def before(self, today: date) -> list[Contacts]:
        """The contacts of the dates that the look-back of `today` reaches, oldest first."""
        ages = range(self._parameters.lookback_days, 0, -1)
        days = [day for age in ages if (day := f"{today - timedelta(days=age):%Y-%m-%d}") in self._dates]
        for day in days:
            if day not in self._days:
                table = self._lake.arrow("pair_days", DAY_COLUMNS, equal={"date": day})
                self._days[day] = self.numbered(table, window_numbers(table["first_slice_ts"]))
        self._days = {day: self._days[day] for day in days}
        return list(self._days.values())

    def numbered(self, table: pa.Table, start: Integers) -> Contacts:
        """The rows of a table with host, role, peer and port as numbers.

        Raises:
            TableError: there are more hosts or peers than can be numbered.
        """
        peer = self._peers.of(table["peer_ip"])
        known = len(self.network_of_peer)
        if len(self._peers) > known:
            first, place = np.unique(peer[peer >= known], return_index=True)
            texts = table["peer_ip"].filter(pa.array(peer >= known)).take(pa.array(place)).to_pylist()
            names = networks(texts, self._parameters.ipv6_network_bits)
            found = self._networks.of(pa.chunked_array([pa.array(names, pa.string())]))
            self.network_of_peer = np.concatenate([self.network_of_peer, found])
            assert len(self.network_of_peer) == len(self._peers) == int(first[-1]) + 1
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
        for address in (host.partition(NETWORK_SIGN)[0] for host in addresses)
    ]


def _slices(lake: Lake, windows: Windows, history: ContactHistory) -> tuple[pa.Table, Contacts]:
    """The slices of the windows, as they are and as numbers."""
    table = lake.arrow("delta_pair", SLICE_COLUMNS, windows)
    return table, history.numbered(table, window_numbers(table["window_start_ts"]))


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
