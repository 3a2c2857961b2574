"""Contacts of hosts over days: who met whom, on which service, when and how often."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.cases.contact_days import CONTACT, contact_days, last_days, summed
from common.lake.lake import Lake
from common.lake.selection import Test

OF_SESSION = {"src_ip": "host_ip", "dst_ip": "peer_ip", "dst_port": "peer_port"}


@dataclass(frozen=True)
class Wanted:
    """What to look for; None for any. The peer is an address or a network."""

    host: str | None
    peer: str | None
    port: int | None

    def selection(self, host: str = "host_ip", peer: str = "peer_ip", port: str = "peer_port") -> dict[str, Any]:
        """The same as arguments of `LakeReader.arrow`, for a table with these columns."""
        tests: dict[str, Test] = {}
        if self.host is not None:
            tests[host] = partial(_is, self.host)
        if self.peer is not None:
            tests[peer] = partial(_lie_in, str(ipaddress.ip_network(self.peer, strict=False)))
        return {"tests": tests, "numbers": {} if self.port is None else {port: (self.port, self.port)}}


def contacts(lake: Lake, wanted: Wanted, app: str | None, days: int) -> pa.Table:
    """One row per host, role, peer and port that is wanted, of the last so many UTC dates of the lake.

    With `first` and `last` time, `sessions` and `days_cnt`, how many dates; the newest first. Only `sessions` know
    applications: with one, the rows are those of sessions that are still kept, whose host is the initiator.

    Raises:
        TableError: a table is unreadable.
    """
    chosen = contact_days(lake, days, **wanted.selection())
    found = chosen if app is None else _with_app(lake, wanted, app, days)
    return summed([CONTACT.empty_table(), *(part.cast(CONTACT) for part in found)])


def _with_app(lake: Lake, wanted: Wanted, app: str, days: int) -> Iterator[pa.Table]:
    """The wanted contacts of each date whose sessions are kept, with that application."""
    names = [*OF_SESSION, "end_ts", "repeat_count"]
    for day in last_days({row["date"] for row in lake.partitions("sessions")}, days):
        rows = lake.arrow("sessions", names, equal={"date": day, "app": app}, **wanted.selection(*OF_SESSION))
        rows = rows.rename_columns([*OF_SESSION.values(), "first", "sessions"])
        rows = rows.append_column("last", rows["first"]).append_column("role", pa.repeat("outbound", len(rows)))
        yield rows.append_column("date", pa.repeat(day, len(rows))).select(CONTACT.names)


def _is(text: str, texts: pa.Array) -> pa.Array:
    return pc.equal(texts, text)


def _lie_in(network: str, addresses: pa.Array) -> pa.Array:
    """Whether each address lies in the network; only those that begin like it are looked at."""
    like = pc.starts_with(addresses, _beginning(network))
    found = np.zeros(len(addresses), dtype=bool)
    found[np.asarray(like)] = are_internal(addresses.filter(like), [network])
    return pa.array(found)


def _beginning(network: str) -> str:
    """How the texts of all addresses of an IPv4 network begin: with its whole octets; of IPv6, in any way."""
    parsed = ipaddress.ip_network(network)
    whole = parsed.prefixlen // 8 if parsed.version == 4 else 0
    return ".".join(str(parsed.network_address).split(".")[:whole])
