"""Which sessions are wanted, as conditions on rows and as a filter of the firewall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import plain_address
from common.detection.alerts.cases import Case

ENDS = ("src_ip", "dst_ip")
TIME = "%Y/%m/%d %H:%M:%S"


@dataclass(frozen=True)
class Ends:
    """Sessions of a source with some targets on a port; None for any. With `both_ways`, also those of the targets."""

    source: str
    targets: tuple[str, ...] | None
    port: int | None
    both_ways: bool = False

    def among(self, rows: pa.Table) -> pa.ChunkedArray:
        """Whether each row is such a session."""
        found = self._one_way(rows, ENDS)
        if self.both_ways:
            found = pc.or_(found, self._one_way(rows, ENDS[::-1]))
        return found if self.port is None else pc.and_(found, pc.equal(rows["dst_port"], self.port))

    def _one_way(self, rows: pa.Table, ends: tuple[str, str]) -> pa.ChunkedArray:
        source, target = ends
        found = pc.equal(rows[source], self.source)
        return found if self.targets is None else pc.and_(found, pc.is_in(rows[target], pa.array(self.targets)))

    def filter(self) -> str:
        """The same in the language of the firewall's monitor."""
        if self.both_ways:
            ends = [f"( addr in {self.source} )"]
            ends += [_any("addr", self.targets)] if self.targets else []
        else:
            ends = [f"( addr.src in {self.source} )"]
            ends += [_any("addr.dst", self.targets)] if self.targets else []
        return " and ".join([*ends, *([f"( port.dst eq {self.port} )"] if self.port is not None else [])])


def of_case(case: Case, named: Callable[[str], str] = plain_address) -> list[Ends]:
    """The sessions of a case's contacts, for each source and port; `named` gives what an address is called in the rows.

    Of a scan, whose contacts are a sample, all that a source opened: with the only target of its contacts, else with
    anybody. Of a case without contacts, all sessions of its sources.
    """
    found: dict[tuple[str, int | None], list[str]] = {}
    for contact in case.contacts:
        port = None if case.is_scan and contact.source in case.sources else contact.port
        found.setdefault((named(contact.source), port), []).append(named(contact.target))
    if not found:
        return [Ends(named(source), None, None, both_ways=True) for source in case.sources]
    return [_with(source, tuple(dict.fromkeys(targets)), port) for (source, port), targets in found.items()]


def _with(source: str, targets: tuple[str, ...], port: int | None) -> Ends:
    """The sessions of a source with the targets on the port; on any port, with several targets, those with anybody."""
    return Ends(source, None if port is None and len(targets) > 1 else targets, port)


def of_host(host: str, peer: str | None, port: int | None) -> list[Ends]:
    """The sessions of a host with a peer, in both directions."""
    return [Ends(plain_address(host), (plain_address(peer),) if peer else None, port, both_ways=True)]


def firewall_filter(wanted: Sequence[Ends], start: datetime, end: datetime) -> str:
    """A filter for the monitor of a PAN-OS firewall, whose clock is taken to be UTC."""
    ends = [entry.filter() for entry in wanted]
    whole = ends[0] if len(ends) == 1 else "( " + " or ".join(f"( {entry} )" for entry in ends) + " )"
    since, until = (f"{moment.astimezone(UTC):{TIME}}" for moment in (start, end))
    return f"{whole} and ( time_generated geq '{since}' ) and ( time_generated leq '{until}' )"


def _any(field: str, addresses: Sequence[str]) -> str:
    parts = [f"( {field} in {address} )" for address in addresses]
    return parts[0] if len(parts) == 1 else "( " + " or ".join(parts) + " )"
