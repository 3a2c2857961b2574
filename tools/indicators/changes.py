"""Changes of indicators: what an import adds, and what somebody expires or removes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.cases.indicators import ACTIVE, EXPIRED, REMOVED, TABLE, WITHDRAWN, standing
from common.contracts.triage import INDICATORS
from common.lake.lake import Lake
from tools.indicators.entries import Entry

SCHEMA: pa.Schema = INDICATORS.arrow
TELLING = ("labels", "confidence", "reference", "valid_from", "valid_until", "status")
"""What an import can change of an indicator."""

BY_HAND = (EXPIRED, REMOVED)
"""What somebody has said of an indicator, which no import changes unless it is asked to."""


@dataclass(frozen=True)
class Imported:
    """What an import did: its new and changed indicators as rows, and how many were new, known, or left as they are."""

    rows: pa.Table
    new: int
    known: int
    left: int


def rows_of(entries: Sequence[tuple[str, Entry]], by: str, now: datetime) -> pa.Table:
    """The rows of entries, each with the name of its file."""
    rows: list[dict[str, Any]] = [
        {
            "indicator_id": indicator_id(entry.source, entry.value, entry.port),
            "source": entry.source,
            "value": entry.value,
            "port": entry.port,
            "labels": json.dumps(entry.labels),
            "confidence": entry.confidence,
            "reference": entry.reference,
            "valid_from": entry.valid_from,
            "valid_until": entry.valid_until,
            "status": WITHDRAWN if entry.is_withdrawn else ACTIVE,
            "file": file,
        }
        for file, entry in entries
    ]
    return _dated(pa.Table.from_pylist(rows, schema=SCHEMA.remove_metadata()), now, by)


def indicator_id(source: str, value: str, port: int | None) -> str:
    """The id of an indicator."""
    return hashlib.blake2b(json.dumps([source, value, port]).encode(), digest_size=8).hexdigest()


def take(lake: Lake, rows: pa.Table, *, restore: bool, whole: bool, now: datetime, by: str) -> Imported:
    """Adds the rows that say something new, in one commit; without any, nothing is written.

    Args:
        lake: the lake.
        rows: an import: a row for each indicator.
        restore: also take what somebody has expired or removed by hand.
        whole: withdraw the other active indicators of the same sources.
        now: the time of the import.
        by: who imports.

    Raises:
        CommitError: the table cannot be written; nothing is imported.
    """
    result: list[Imported] = []

    def additions(held: pa.Table) -> pa.Table:
        place = pc.index_in(rows["indicator_id"], value_set=held["indicator_id"].combine_chunks())
        before = held.take(place)
        is_new = np.asarray(pc.is_null(place))
        by_hand = np.asarray(pc.fill_null(pc.is_in(before["status"], pa.array(BY_HAND)), False)) & (not restore)
        is_known = ~is_new & ~by_hand & _agree(rows, before)
        added = rows.filter(pa.array(~is_known & ~by_hand))
        result[:] = [Imported(added, int(is_new.sum()), int(is_known.sum()), int(by_hand.sum()))]
        return pa.concat_tables([added, _withdrawn(held, rows, now, by)]) if whole else added

    _write(lake, additions, now)
    return result[0]


def mark(
    lake: Lake, chosen: Callable[[pa.Table], pa.Table], change: dict[str, Any], now: datetime, by: str
) -> pa.Table:
    """Changes the chosen ones of the indicators that stand, in one commit; returns their new rows.

    Raises:
        CommitError: the table cannot be written; nothing is changed.
    """
    result: list[pa.Table] = []

    def additions(held: pa.Table) -> pa.Table:
        found = _set(chosen(held), change | {"file": None})
        result[:] = [_dated(found, now, by)]
        return result[0]

    _write(lake, additions, now)
    return result[0]


def _write(lake: Lake, additions: Callable[[pa.Table], pa.Table], now: datetime) -> None:
    """Commits what is to be added to the indicators that stand; looked at again if somebody writes in between."""
    today = f"{now:%Y-%m-%d}"
    held = lake.arrow(TABLE).cast(SCHEMA) if lake.exists(TABLE) else SCHEMA.empty_table()
    if not len(additions(standing(held))):
        return
    earlier = held.filter(pc.not_equal(held["date"], today))

    def added(rows: pa.Table) -> pa.Table:
        of_today = rows.cast(SCHEMA)
        return pa.concat_tables([of_today, additions(standing(pa.concat_tables([earlier, of_today])))])

    lake.rewrite(TABLE, {"date": [today]}, added)


def _withdrawn(held: pa.Table, rows: pa.Table, now: datetime, by: str) -> pa.Table:
    """The active indicators of the sources of an import that it does not have."""
    of_source = pc.is_in(held["source"], rows["source"].combine_chunks())
    lacking = pc.invert(pc.is_in(held["indicator_id"], rows["indicator_id"].combine_chunks()))
    gone = held.filter(pc.and_(pc.and_(of_source, lacking), pc.equal(held["status"], ACTIVE)))
    return _dated(_set(gone, {"status": WITHDRAWN}), now, by)


def _agree(rows: pa.Table, before: pa.Table) -> Flags:
    """Whether each row says what was said before."""
    same = np.ones(len(rows), dtype=bool)
    for name in TELLING:
        equal = pc.fill_null(pc.equal(rows[name], before[name]), False)
        both_null = pc.and_(pc.is_null(rows[name]), pc.is_null(before[name]))
        same &= np.asarray(pc.or_(equal, both_null))
    return same


def _dated(rows: pa.Table, now: datetime, by: str) -> pa.Table:
    return _set(rows, {"changed_ts": now, "changed_by": by, "date": f"{now:%Y-%m-%d}"})


def _set(rows: pa.Table, values: dict[str, Any]) -> pa.Table:
    """The rows with these values in place of their own."""
    for name, value in values.items():
        field = SCHEMA.field(name)
        column = (
            pa.nulls(len(rows), field.type) if value is None else pa.repeat(pa.scalar(value, field.type), len(rows))
        )
        rows = rows.set_column(rows.schema.get_field_index(name), field, column)
    return rows.cast(SCHEMA)
