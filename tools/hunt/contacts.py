"""Contacts of hosts over days: who met whom, on which service, when and how often."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import NETWORK_SIGN, are_internal
from common.cases.contact_days import KEY, last_days, tables_of_days
from common.lake.extent import quoted
from common.lake.lake import Lake

FOUND = pa.schema(
    [
        *((name, pa.int32() if name == "peer_port" else pa.string()) for name in KEY),
        ("first", pa.timestamp("us", "UTC")),
        ("last", pa.timestamp("us", "UTC")),
        ("sessions", pa.int64()),
        ("days_cnt", pa.int64()),
    ]
)
PAIR = {name: name for name in KEY}
SESSION = {
    "host_ip": "src_ip", "role": "'outbound'", "peer_ip": "dst_ip", "peer_port": "dst_port", "first": "end_ts",
    "last": "end_ts", "sessions": "repeat_count", "date": "date",
}  # fmt: skip
SUMS = (
    """SELECT {key}, min("first") AS "first", max("last") AS "last", sum("sessions") AS "sessions", """
    """count(DISTINCT "date") AS "days_cnt" FROM ({parts}) WHERE {wanted} GROUP BY {key} ORDER BY "last" DESC, {key}"""
)


@dataclass(frozen=True)
class Wanted:
    """What to look for; None for any. Only sessions know the application.

    The peer is a network (CIDR), or an address with the name of its network, `10.1.4.20@berlin`.
    """

    host: str | None
    peer: str | None
    port: int | None
    app: str | None

    @property
    def condition(self) -> str:
        """In SQL, which contacts may be wanted: of a network, those whose peers begin as all its addresses do."""
        tests = []
        if self.host is not None:
            tests.append(f"host_ip = {quoted(self.host)}")
        if self.peer is not None:
            tests.append(_may_lie_in(self.peer))
        if self.port is not None:
            tests.append(f"peer_port = {self.port:d}")
        return " AND ".join(tests) or "true"

    def of(self, contacts: pa.Table) -> pa.Table:
        """Those of the contacts that may be wanted that are."""
        if self.peer is None or NETWORK_SIGN in self.peer:
            return contacts
        peers = pc.unique(contacts["peer_ip"])
        return contacts.filter(pc.is_in(contacts["peer_ip"], peers.filter(pa.array(are_internal(peers, [self.peer])))))


def contacts(lake: Lake, wanted: Wanted, days: int) -> pa.Table:
    """One row per host, role, peer and port that is wanted, of the last so many UTC dates of the lake.

    With `first` and `last` time, `sessions` and `days_cnt`, how many dates; the newest first. Only `sessions` know
    applications: with one, the rows are those of sessions that are still kept, whose host is the initiator.

    Raises:
        TableError: a table is unreadable.
    """
    parts = dict(_of_sessions(lake, wanted.app, days) if wanted.app is not None else _of_pairs(lake, days))
    if not parts:
        return FOUND.empty_table()
    key = ", ".join(KEY)
    statement = SUMS.format(key=key, parts=" UNION ALL ".join(parts.values()), wanted=wanted.condition)
    return wanted.of(lake.query(statement, parts).cast(FOUND))


def _of_pairs(lake: Lake, days: int) -> Iterator[tuple[str, str]]:
    """The tables that have the contacts of the dates, each with a statement that gives them."""
    dates, columns = defaultdict[str, list[str]](list), dict[str, Mapping[str, str]]()
    for (name, renamed), day in tables_of_days(lake, days):
        dates[name].append(day)
        columns[name] = PAIR | {new: old for old, new in renamed.items()}
    for name in dates:
        yield name, _statement(name, columns[name], f"date IN ({', '.join(map(quoted, dates[name]))})")


def _of_sessions(lake: Lake, app: str, days: int) -> Iterator[tuple[str, str]]:
    """As `_of_pairs`, of the sessions with that application; nothing where no sessions are kept."""
    dates = last_days({row["date"] for row in lake.partitions("sessions")}, days)
    if dates:
        yield "sessions", _statement("sessions", SESSION, f"app = {quoted(app)} AND date >= {quoted(dates[0])}")


def _statement(name: str, columns: Mapping[str, str], which: str) -> str:
    shown = ", ".join(f'{old} AS "{new}"' for new, old in columns.items())
    return f"SELECT {shown} FROM {name} WHERE {which}"


def _may_lie_in(peer: str) -> str:
    """In SQL, that an address begins with the whole octets of an IPv4 network; that it is of IPv6; or that it is it."""
    if NETWORK_SIGN in peer:
        return f"peer_ip = {quoted(peer)}"
    network = ipaddress.ip_network(peer)
    if network.version == 6:
        return "contains(peer_ip, ':')"
    octets = str(network.network_address).split(".")[: network.prefixlen // 8]
    return f"starts_with(peer_ip, {quoted('.'.join(octets))})"
