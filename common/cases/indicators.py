"""Indicators of compromise that the lake holds, and the contacts that met one. They never change a score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.address_sets import AddressSet, expanded
from common.arrays import Integers
from common.cases.contact_days import CONTACT, KEY, summed
from common.coded import encoded
from common.contracts.triage import INDICATORS
from common.errors import one_line
from common.lake.reader import LakeReader
from common.windows import iso

TABLE = INDICATORS.name
ACTIVE, WITHDRAWN, EXPIRED, REMOVED = STATUSES = ("active", "withdrawn", "expired", "removed")
HITTING = (ACTIVE, EXPIRED)
"""The statuses of indicators that contacts can meet, before they end."""


@dataclass(frozen=True)
class Indicator:
    """An address or a network, and who says since when what of it; fields as in the table."""

    indicator_id: str
    source: str
    value: str
    port: int | None
    labels: tuple[str, ...]
    confidence: int | None
    reference: str | None
    valid_from: datetime | None
    valid_until: datetime | None
    changed_ts: datetime

    @property
    def since(self) -> datetime:
        """Since when the source knows of it, or else when it was imported."""
        return self.valid_from or self.changed_ts

    @property
    def words(self) -> str:
        """Who says since when what, on one line."""
        where = f"[{self.value}]:{self.port}" if ":" in self.value else f"{self.value}:{self.port}"
        parts = [", ".join(self.labels), "" if self.confidence is None else f"confidence {self.confidence}"]
        said = "; ".join(part for part in (*parts, self.reference or "") if part)
        more = f" ({said})" if said else ""
        named = self.value if self.port is None else where
        return one_line(f"{named} is in {self.source} since {self.since.astimezone(UTC):%Y-%m-%d}{more}")

    def to_dict(self) -> dict[str, Any]:
        """The indicator as JSON values."""
        times = {name: getattr(self, name) for name in ("valid_from", "valid_until")}
        return {
            "indicator_id": self.indicator_id,
            "source": self.source,
            "value": self.value,
            "port": self.port,
            "labels": list(self.labels),
            "confidence": self.confidence,
            "reference": self.reference,
            **{name: iso(time) if time else None for name, time in times.items()},
            "imported": iso(self.changed_ts),
        }


FIELDS = tuple(Indicator.__dataclass_fields__)


@dataclass(frozen=True)
class Meeting:
    """A host that met an address which indicators name, in its `role`, with all its sessions on that port."""

    host_ip: str
    role: str
    peer_ip: str
    peer_port: int
    first: datetime
    last: datetime
    sessions: int
    indicators: tuple[Indicator, ...]

    @property
    def words(self) -> str:
        """Whom, and who says what of it, on one line."""
        return "; ".join(one.words for one in self.indicators)

    def to_dict(self) -> dict[str, Any]:
        """The meeting as JSON values."""
        return {
            **{name: getattr(self, name) for name in (*KEY, "sessions")},
            "first": iso(self.first),
            "last": iso(self.last),
            "indicators": [one.to_dict() for one in self.indicators],
        }


class Indicators:
    """The indicators that contacts can meet, from rows of the table: one for each indicator, as it stands."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows.filter(pc.is_in(rows["status"], pa.array(HITTING))).combine_chunks()

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _set(self) -> AddressSet:
        return AddressSet(_array(self.rows["value"]))

    def met(self, parts: Iterable[pa.Table]) -> list[Meeting]:
        """The meetings among contacts (`common.cases.contact_days`), the newest first.

        A contact meets an indicator if its peer is the address, or lies in the network; the host must be the initiator
        and use that port where the indicator has one; and the indicator must not have ended before.
        """
        if not len(self):
            return []
        found = [self._of(part) for part in parts]
        key = (*KEY, "place")
        rows = summed([CONTACT.append(pa.field("place", pa.int64())).empty_table(), *found], key)
        told: dict[tuple[Any, ...], list[Any]] = {}
        for row in rows.to_pylist():
            told.setdefault(tuple(row[name] for name in KEY), []).append(row)
        return [self._meeting(*same) for same in told.values()]

    def of_addresses(self, addresses: pa.Array) -> dict[str, list[Indicator]]:
        """The indicators that name each of the addresses, of those that one names, whatever the port."""
        met: dict[str, list[Indicator]] = {}
        if len(self) and len(addresses):
            pairs = zip(*(side.tolist() for side in self._set.holding(addresses)), strict=True)
            for address, place in pairs:
                met.setdefault(addresses[address].as_py(), []).append(self._indicator(place))
        return met

    def _of(self, part: pa.Table) -> pa.Table:
        """The rows that meet an indicator, once for each one, with its place."""
        coded = encoded(part["peer_ip"])
        address, network = self._set.holding(_array(coded.dictionary))
        counts = np.bincount(address, minlength=len(coded.dictionary))
        codes = np.asarray(coded.indices)
        rows = np.flatnonzero((counts > 0)[codes])
        which, pairs = expanded((np.cumsum(counts) - counts)[codes[rows]], counts[codes[rows]])
        place: Integers = network[pairs]
        found = part.take(pa.array(rows[which])).cast(CONTACT).append_column("place", pa.array(place, pa.int64()))
        of_place = self.rows.take(pa.array(place))
        port = pc.equal(of_place["port"], found["peer_port"])
        serves = pc.or_kleene(
            pc.is_null(of_place["port"]), pc.fill_null(pc.and_(port, pc.equal(found["role"], "outbound")), False)
        )
        lasts = pc.fill_null(pc.less(found["first"], of_place["valid_until"]), True)
        return found.filter(pc.and_(serves, lasts))

    def _meeting(self, *rows: Mapping[str, Any]) -> Meeting:
        first = rows[0]
        return Meeting(
            **{name: first[name] for name in KEY},
            first=first["first"],
            last=first["last"],
            sessions=first["sessions"],
            indicators=tuple(self._indicator(place) for place in sorted(row["place"] for row in rows)),
        )

    def _indicator(self, place: int) -> Indicator:
        (row,) = self.rows.slice(place, 1).select([*FIELDS]).to_pylist()
        return Indicator(**row | {"labels": tuple(json.loads(row["labels"]))})


def read_indicators(lake: LakeReader) -> Indicators:
    """The indicators that contacts can meet.

    Raises:
        TableError: the table is unreadable.
    """
    if not lake.exists(TABLE):
        return Indicators(INDICATORS.arrow.empty_table())
    return Indicators(standing(lake.arrow(TABLE)))


def standing(rows: pa.Table) -> pa.Table:
    """The last change of each indicator, in order of its id."""
    ordered = rows.sort_by([("indicator_id", "ascending"), ("changed_ts", "ascending")]).combine_chunks()
    ids = _array(ordered["indicator_id"])
    is_last = np.append(np.asarray(pc.not_equal(ids[1:], ids[:-1])), True)[: len(ids)]
    return ordered.filter(pa.array(is_last))


def _array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array of texts."""
    whole = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) and column.num_chunks else column
    return pa.array([], pa.string()) if isinstance(whole, pa.ChunkedArray) else whole.cast(pa.string())
