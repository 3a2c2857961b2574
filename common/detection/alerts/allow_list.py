"""The allow list: a file under review whose entries hide cases that are expected. Scores never change."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from common.addresses import plain_address
from common.config.documents import parse_yaml
from common.config.loader import Settings, build_from
from common.config.values import EntryName, Network, Text, matching, require_names, wrong
from common.contracts.triage import ALLOW_LISTS
from common.detection.alerts.cases import Case
from common.detection.alerts.contacts import main_contacts
from common.detection.alerts.techniques import TECHNIQUES
from common.detection.alerts.terms import EXPECTED
from common.detection.alerts.triage import Rule
from common.lake.put_texts import require_small, text_in_place
from common.lake.reader import LakeReader

TABLE = ALLOW_LISTS.name
SCOPES = ("hosts", "segments", "peers", "ports")
NAMES = tuple(technique.name for technique in TECHNIQUES)


def _date(text: str) -> str:
    date.fromisoformat(text)
    return text


def _behaviour(name: str) -> str:
    if name not in NAMES:
        raise wrong(f"is {name!r}, which no case resembles", f"Give one of {', '.join(NAMES)}")
    return name


class AllowEntry(Settings):
    """Cases that are expected, and why. A case is hidden if it agrees with every list that is not empty."""

    name: EntryName
    """Name of the entry, which no other entry has."""
    reason: Text
    """Why these cases are expected."""
    owner: Text
    """Who answers for the entry."""
    expires: Annotated[str, matching("[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date like 2026-06-30"), AfterValidator(_date)]
    """Last day, in UTC, on which cases that begin are hidden."""
    hosts: tuple[Network, ...] = ()
    """Addresses or networks of all that began the case."""
    segments: tuple[Text, ...] = ()
    """Segments of the case."""
    peers: tuple[Network, ...] = ()
    """Addresses or networks of all that the case is mainly about."""
    ports: tuple[Annotated[int, Field(ge=0, le=65535)], ...] = ()
    """Service ports of all contacts that the case is mainly about."""
    behaviours: tuple[Annotated[str, AfterValidator(_behaviour)], ...] = ()
    """Techniques that the case resembles."""

    @model_validator(mode="after")
    def _has_scope(self) -> Self:
        if not any(getattr(self, scope) for scope in SCOPES):
            raise wrong(
                f"({self.name}) has no scope, so it would hide cases of all hosts", f"Give {' or '.join(SCOPES)}"
            )
        return self

    @property
    def change_id(self) -> str:
        """What the entry is called where changes have their id."""
        return f"allow-list:{self.name}"

    @property
    def status(self) -> str:
        """How it marks what it hides."""
        return EXPECTED

    @property
    def changed_by(self) -> str:
        """Who answers for it."""
        return self.owner

    @property
    def note(self) -> str:
        """Its name and why."""
        return f"{self.name}: {self.reason}"

    @property
    def expires_ts(self) -> datetime:
        """The end of its last day."""
        return datetime.fromisoformat(self.expires).replace(tzinfo=UTC) + timedelta(days=1)

    def hides(self, case: Case) -> bool:
        """Whether the case is one of those that are expected."""
        main = main_contacts(case.contacts, case.sources)
        return (
            case.start < self.expires_ts
            and (not self.hosts or _lie_in(case.sources, self.hosts))
            and (not self.segments or case.segment_id in self.segments)
            and (not self.peers or (bool(case.main_peers) and _lie_in(case.main_peers, self.peers)))
            and (not self.ports or (bool(main) and {contact.port for contact in main} <= {*self.ports}))
            and (not self.behaviours or case.technique.name in self.behaviours)
        )


def _lie_in(addresses: Iterable[str], networks: Iterable[str]) -> bool:
    """Whether all addresses lie in one of the networks each."""
    held = [ipaddress.ip_network(network) for network in networks]
    return all(
        any(address in network for network in held)
        for address in map(ipaddress.ip_address, map(plain_address, addresses))
    )


class AllowList(Settings):
    """What is expected."""

    entries: tuple[AllowEntry, ...]
    """The entries; the first that hides a case says why."""

    @model_validator(mode="after")
    def _has_names(self) -> Self:
        require_names(self.entries)
        return self


def parse_allow_list(content: bytes, source: str) -> AllowList:
    """The allow list of a file.

    Raises:
        ParameterError: it is not YAML, or entries are wrong; it names all, with their lines.
        InputError: it is too large.
    """
    require_small(content, source, "An allow list")
    return build_from(AllowList, parse_yaml(content, source))


def read_allowed(lake: LakeReader) -> tuple[AllowEntry, ...]:
    """The entries of the allow list that holds; none without one.

    Raises:
        TableError: the table is unreadable.
        ParameterError: another release put a list in place that this one does not know.
    """
    held = text_in_place(lake, TABLE)
    return parse_allow_list(held.text.encode(), f"{lake.uri}/{TABLE}").entries if held else ()


def expired(rules: Iterable[Rule], moment: datetime) -> list[AllowEntry]:
    """The entries of an allow list among what hides cases that hide nothing any more of what begins at that time."""
    return [entry for entry in rules if isinstance(entry, AllowEntry) and entry.expires_ts <= moment]
