"""The calendar file: its entries, and the one that is in place in a lake."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Annotated, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, model_validator

from common.address_sets import AddressSet
from common.addresses import IPV4_SEGMENT_BITS, IPV6_SEGMENT_BITS, NETWORK_SIGN, Segments
from common.arrays import Flags
from common.config.documents import parse_yaml
from common.config.loader import Settings, build_from
from common.config.values import EntryName, Network, Text, require_names, wrong
from common.contracts.triage import CALENDARS
from common.errors import ParameterError, WindowError
from common.lake.lake_format import read_record
from common.lake.put_texts import require_small, text_in_place
from common.lake.reader import LakeReader
from common.windows import Windows, parse_moment

TABLE = CALENDARS.name
LONGEST = timedelta(days=366)
YEARS = range(2000, 2200)


def _moment(text: str) -> str:
    try:
        year = parse_moment(text).year
    except (WindowError, OverflowError):
        raise wrong(f'is "{text}", which is no time with a zone', "Give a time like 2026-03-10T13:00Z") from None
    if year not in YEARS:
        raise wrong(f'is "{text}"', f"Give a year from {YEARS.start} to {YEARS.stop - 1}")
    return text


Moment = Annotated[str, AfterValidator(_moment)]


class CalendarEntry(Settings):
    """A period in which what some hosts do teaches nothing, and is planned."""

    name: EntryName
    """Name of the entry, which no other entry has."""
    reason: Text
    """Why: a penetration test, an outage, a migration, or what else it is."""
    owner: Text
    """Who answers for the entry."""
    start: Moment
    """When it begins, with a time zone."""
    end: Moment
    """When it has ended, at most 366 days later."""
    all_hosts: bool = False
    """It is about all hosts."""
    hosts: tuple[Network, ...] = ()
    """Addresses or networks that it is about, inside or outside."""
    segments: tuple[Text, ...] = ()
    """Segments that it is about, besides the addresses: by their names, or as a /24 (IPv4) or /64 (IPv6)."""
    keeps_contacts: bool = False
    """Whom hosts met then, they know afterwards, as after a migration."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.end_ts <= self.start_ts:
            raise wrong(f"({self.name}) ends at {self.end}, not after its start {self.start}", "Give a later end")
        if self.end_ts - self.start_ts > LONGEST:
            raise wrong(
                f"({self.name}) lasts {(self.end_ts - self.start_ts).days:,} days",
                f"Give {LONGEST.days} at most; an allow list says what is expected for good",
            )
        if self.all_hosts == bool(self.hosts or self.segments):
            said = "has all_hosts and others" if self.all_hosts else "is about no hosts"
            raise wrong(f"({self.name}) {said}", "Give all_hosts: true, or hosts or segments or both")
        return self

    @cached_property
    def start_ts(self) -> datetime:
        """The start in UTC."""
        return parse_moment(self.start)

    @cached_property
    def end_ts(self) -> datetime:
        """The end in UTC."""
        return parse_moment(self.end)


class CalendarFile(Settings):
    """The periods in which what hosts do teaches nothing."""

    entries: tuple[CalendarEntry, ...] = ()
    """The periods; they may overlap."""

    @model_validator(mode="after")
    def _has_names(self) -> Self:
        require_names(self.entries)
        return self


@dataclass(frozen=True)
class Scope:
    """The addresses that an entry is about, as its text and the project's segments say."""

    entry: CalendarEntry
    segments: Segments

    def has(self, addresses: pa.Array) -> Flags:
        """Which of the addresses (canonical texts, perhaps with a network) it is about."""
        found = np.full(len(addresses), self.entry.all_hosts)
        if self.entry.hosts:
            found[self._addresses.holding(addresses)[0]] = True
        if self.entry.segments:
            wanted = pa.array(self.entry.segments, pa.string())
            found |= np.asarray(pc.is_in(self.segments.names(addresses), wanted))
        return found

    @cached_property
    def _addresses(self) -> AddressSet:
        networks = map(ipaddress.ip_network, self.entry.hosts)
        return AddressSet(pa.array([str(network) for network in networks], pa.string()))


@dataclass(frozen=True)
class Calendar:
    """The entries of a calendar, each with what it is about."""

    scopes: tuple[Scope, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.scopes)

    def touching(self, windows: Windows, after: timedelta = timedelta(0)) -> Calendar:
        """Those entries that last into the windows, for so long after their end."""
        return Calendar(
            tuple(
                scope
                for scope in self.scopes
                if scope.entry.start_ts < windows.end and scope.entry.end_ts + after > windows.start
            )
        )

    def over(self, moment: datetime) -> Calendar:
        """Those entries that have ended by then, and let hosts forget whom they met."""
        return Calendar(
            tuple(scope for scope in self.scopes if scope.entry.end_ts <= moment and not scope.entry.keeps_contacts)
        )


def parse_calendar(content: bytes, source: str, segments: Mapping[str, str] | None = None) -> CalendarFile:
    """The calendar of a file; with the project's segments (name by prefix), those that it names must be among them.

    Raises:
        ParameterError: it is not YAML, or entries are wrong; it names all, with their lines.
        InputError: it is too large.
    """
    require_small(content, source, "A calendar")
    document = parse_yaml(content, source)
    found = build_from(CalendarFile, document)
    if segments is not None:
        for number, entry in enumerate(found.entries):
            for place, name in enumerate(entry.segments):
                if name not in segments.values() and not _is_unnamed(name):
                    path = ("entries", number, "segments", place)
                    said = f'{document.name(path)} is "{name}", which no segment of the project is'
                    raise ParameterError(f"{document.place(path)}: {said}", _known(name, {*segments.values()}))
    return found


def read_calendar(lake: LakeReader) -> Calendar:
    """The calendar in place; an empty one without any.

    Raises:
        TableError: the table is unreadable.
        ParameterError: another release put a calendar in place that this one does not know.
        LakeFormatError: the lake is of another format, or its record is damaged.
    """
    held = text_in_place(lake, TABLE)
    entries = _entries(held.text, f"{lake.uri}/{TABLE}") if held else ()
    names: Mapping[str, str] = {}
    if any(entry.segments for entry in entries) and (record := read_record(lake.uri)):
        names = record.require_known(lake.uri).settings(lake.uri).segments
    segments = Segments(names)
    return Calendar(tuple(Scope(entry, segments) for entry in entries))


@lru_cache(maxsize=4)
def _entries(text: str, source: str) -> tuple[CalendarEntry, ...]:
    """The entries of the text, which each part of the work reads again."""
    return parse_calendar(text.encode(), source).entries


def _is_unnamed(segment: str) -> bool:
    """Whether it is a segment that has no name but its prefix."""
    try:
        network = ipaddress.ip_network(segment.partition(NETWORK_SIGN)[0])
    except ValueError:
        return False
    return network.prefixlen == (IPV4_SEGMENT_BITS if network.version == 4 else IPV6_SEGMENT_BITS)


def _known(name: str, names: Collection[str]) -> str:
    """The remedy for an unknown segment: one that looks alike, or those that there are."""
    if alike := get_close_matches(name, names, n=1):
        return f"Did you mean {alike[0]}?"
    some = ", ".join(sorted(names)[:10])
    return f"Give {some or 'the /24 or /64 of its hosts'}, or addresses in hosts"
