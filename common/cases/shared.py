"""Who used the sources of a case, and who is behind those that several share: proxies, terminal servers and NAT."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.cases.session_sums import session_sums
from common.cases.users import Users
from common.detection.alerts.cases import Case
from common.display import counted
from common.errors import one_line
from common.lake.lake import Lake
from common.windows import partition_key

MANY_USERS = 5
"""So many users at an address are more than one person and the accounts of a machine."""
MANY_ADDRESSES = 2
NAMED = 5
KINDS = {"user": ("src_ip", "src_user"), "address": ("nat_src_ip", "src_ip"), "responder": ("dst_ip", "dst_user")}
"""Of each kind of client, which column of a session has the address of the source, and which the client."""
USERS = pa.array(["user", "responder"])
MANY = {"user": MANY_USERS, "address": MANY_ADDRESSES}


@dataclass(frozen=True)
class Shared:
    """The clients of a kind behind the sources of a case, with their sessions in its windows, the busiest first.

    `odd` are those among them that met whom the case is mainly about.
    """

    kind: str
    clients: Mapping[str, int]
    odd: Mapping[str, int]

    @property
    def words(self) -> str:
        """Who is behind it, and who of them did what is odd, on one line."""
        count = len(self.clients)
        who = counted(count, "user") if self.kind == "user" else f"NAT of {count:,} addresses"
        did = f"what is odd here did {_named(self.odd)}" if self.odd else "who of them did this is not in the logs"
        return f"shared address: {who}, {_named(self.clients)}; {did}"

    def to_dict(self) -> dict[str, Any]:
        """The clients as JSON values: those that are named, and how many there are."""
        some = {name: dict([*held.items()][:NAMED]) for name, held in (("clients", self.clients), ("odd", self.odd))}
        return {"kind": self.kind, "clients_cnt": len(self.clients), "odd_cnt": len(self.odd), **some,
                "words": self.words}  # fmt: skip


@dataclass(frozen=True)
class Clients:
    """Who used the sources of a case in its windows, and who is behind them if they are shared."""

    users: Users
    shared: Shared | None


def clients_of(lake: Lake, cases: Sequence[Case]) -> dict[str, Clients]:
    """Who used the sources of cases in the windows that alert, by the id of the case.

    Shared by users where there are many, else by addresses that the firewall translates to it. Nobody where the logs
    have neither, the sessions are not kept any more, or the source is in a network: sessions have the address alone.

    Raises:
        TableError: the table is unreadable.
    """
    sources = {source for case in cases for source in case.sources}
    windows = {partition_key(start) for case in cases for _, start in case.alerts}
    peers = {peer for case in cases for peer in case.main_peers}
    rows = session_sums(lake, KINDS, sources, windows, peers)
    rows = rows.filter(pc.not_equal(rows["client"], rows["address"]))
    found: dict[str, Clients] = {}
    for case in cases:
        mine = _of_case(rows, case)
        users = _sums(mine.filter(pc.is_in(mine["kind"], USERS)))
        found[case.case_id] = Clients(Users(next(iter(users), None), len(users)), _shared(mine, case))
    return found


def _shared(rows: pa.Table, case: Case) -> Shared | None:
    """Who is behind the sources of the case, whose sessions these are; None unless many share them."""
    for kind, many in MANY.items():
        of_kind = rows.filter(pc.equal(rows["kind"], kind))
        clients = _sums(of_kind)
        if len(clients) >= many:
            met = pc.is_in(of_kind["peer"], pa.array(sorted(case.main_peers), pa.string()))
            return Shared(kind, clients, _sums(of_kind.filter(met)))
    return None


def _of_case(rows: pa.Table, case: Case) -> pa.Table:
    """The sessions of the sources of the case in its windows."""
    windows = sorted({partition_key(start) for _, start in case.alerts})
    is_source = pc.is_in(rows["address"], pa.array(case.sources, pa.string()))
    return rows.filter(pc.and_(is_source, pc.is_in(rows["window"], pa.array(windows))))


def _sums(rows: pa.Table) -> dict[str, int]:
    """The sessions of each client, the busiest first, of equals the first by name."""
    sums = Counter[str]()
    for client, sessions in zip(rows["client"].to_pylist(), rows["sessions"].to_pylist(), strict=True):
        sums[client] += sessions
    return dict(sorted(sums.items(), key=lambda entry: (-entry[1], entry[0])))


def _named(clients: Mapping[str, int]) -> str:
    """The first of the clients with their sessions, and how many more there are."""
    some = [f"{one_line(name)} ({counted(count, 'session')})" for name, count in [*clients.items()][:NAMED]]
    more = len(clients) - NAMED
    return ", ".join(some) + (f" and {more:,} more" if more > 0 else "")
