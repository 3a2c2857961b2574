"""Contacts of hosts over days: who met whom, on which service, when and how often."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.cases.contact_days import CONTACT, contact_days, last_days, summed
from common.coded import encoded
from common.lake.lake import Lake

OF_SESSION = {"src_ip": "host_ip", "dst_ip": "peer_ip", "dst_port": "peer_port"}


@dataclass(frozen=True)
class Wanted:
    """What to look for; None for any. The peer is an address or a network."""

    host: str | None
    peer: str | None
    port: int | None

    def among(self, rows: pa.Table) -> pa.Table:
        """The rows that are wanted."""
        if self.host is not None:
            rows = rows.filter(pc.equal(rows["host_ip"].cast(pa.string()), self.host))
        if self.port is not None:
            rows = rows.filter(pc.equal(rows["peer_port"], self.port))
        if self.peer is not None:
            rows = rows.filter(_lies_in(rows["peer_ip"], self.peer))
        return rows


def contacts(lake: Lake, wanted: Wanted, app: str | None, days: int) -> pa.Table:
    """One row per host, role, peer and port that is wanted, of the last so many UTC dates of the lake.

    With `first` and `last` time, `sessions` and `days_cnt`, how many dates; the newest first. Only `sessions` know
    applications: with one, the rows are those of sessions that are still kept, whose host is the initiator.

    Raises:
        TableError: a table is unreadable.
    """
    found = map(wanted.among, contact_days(lake, days)) if app is None else _with_app(lake, wanted, app, days)
    return summed([CONTACT.empty_table(), *(part.cast(CONTACT) for part in found)])


def _with_app(lake: Lake, wanted: Wanted, app: str, days: int) -> Iterator[pa.Table]:
    """The wanted contacts of each date whose sessions are kept, with that application."""
    names = [*OF_SESSION, "end_ts", "repeat_count"]
    for day in last_days({row["date"] for row in lake.partitions("sessions")}, days):
        rows = lake.arrow("sessions", names, equal={"date": day, "app": app})
        rows = rows.rename_columns([*OF_SESSION.values(), "first", "sessions"])
        rows = rows.append_column("last", rows["first"]).append_column("role", pa.repeat("outbound", len(rows)))
        yield wanted.among(rows.append_column("date", pa.repeat(day, len(rows))).select(CONTACT.names))


def _lies_in(addresses: pa.ChunkedArray, peer: str) -> pa.Array:
    """Whether each address is the peer, or lies in it if it is a network; on distinct texts."""
    coded = encoded(addresses)
    network = str(ipaddress.ip_network(peer, strict=False))
    return pa.array(are_internal(coded.dictionary, [network])).take(coded.indices)
