"""Parsed batches, which all readers produce, and how single rows become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.session import BATCH_SCHEMA, REJECT_SCHEMA, SESSION_COLUMNS
from common.logs.holes import Hole

SESSION_NAMES = tuple(column.name for column in SESSION_COLUMNS)
KEPT, DUPLICATE, UNCOUNTED = "kept", "duplicate", "uncounted"

MAX_RAW_CHARACTERS = 64 * 1024


@dataclass(frozen=True)
class ParsedBatch:
    """The records of a part of a file, in its order.

    `records_read` is the sum of the sessions (kept, duplicate and uncounted), the rejects, and `others`: the
    well-formed records that describe no session, such as system and configuration logs, by kind. `zones` says for how
    many sessions the zone of their times came from where. Where the file is damaged,
    a batch with a `hole` and one reject stands for what is missing.
    """

    sessions: pa.RecordBatch
    rejects: pa.RecordBatch
    records_read: int
    others: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, int] = field(default_factory=dict)
    hole: Hole | None = None

    def __post_init__(self) -> None:
        found = self.sessions.num_rows + self.rejects.num_rows + sum(self.others.values())
        if found != self.records_read:
            raise AssertionError(f"{self.records_read} records read but {found} accounted for")


class RecordCollector:
    """Collects the outcomes of records that are parsed one by one."""

    def __init__(self, source_file: str) -> None:
        self.source_file = source_file
        self.others: Counter[str] = Counter()
        self.zones: Counter[str] = Counter()
        self._rows: list[tuple[Any, ...]] = []
        self._rejects: list[tuple[int, str, str]] = []

    def keep(self, line: int, session: dict[str, Any], status: str = KEPT) -> None:
        """Adds a session, given as values by canonical column name and its `zone_source`; absent columns are null."""
        if source := session.get("zone_source"):
            self.zones[source] += 1
        self._rows.append((*map(session.get, SESSION_NAMES), self.source_file, line, status))

    def reject(self, line: int, reason: str, raw: str) -> None:
        """Adds a rejected record."""
        self._rejects.append((line, reason, raw))

    def skip(self, kind: str) -> None:
        """Counts a well-formed record that describes no session: its log type, or what else it is."""
        self.others[kind] += 1

    def batch(self, vectorised: Sequence[pa.RecordBatch] = ()) -> ParsedBatch:
        """All that was collected, merged with rows that were parsed many at a time, in the order of the file."""
        parts = [part for part in vectorised if part.num_rows]
        if self._rows:
            columns = list(zip(*self._rows, strict=True))
            arrays = [pa.array(column, field.type) for column, field in zip(columns, BATCH_SCHEMA, strict=True)]
            parts.append(pa.RecordBatch.from_arrays(arrays, schema=BATCH_SCHEMA))
        sessions = in_line_order(parts)
        return ParsedBatch(
            sessions,
            reject_batch(self.source_file, self._rejects),
            sessions.num_rows + len(self._rejects) + self.others.total(),
            self.others,
            self.zones,
        )


def in_line_order(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """The rows of all parts as one batch, ordered by source line; rows of one line keep their order."""
    if not parts:
        return empty_sessions()
    if len(parts) == 1:
        return parts[0]
    joined = pa.concat_batches(parts)
    return joined.take(pc.sort_indices(joined.column("source_line")))


def reject_batch(source_file: str, rejects: Iterable[tuple[int, str, str]]) -> pa.RecordBatch:
    """Rejected records (line, reason, raw) in the order of the file."""
    ordered = sorted(rejects, key=lambda reject: reject[0])
    return pa.RecordBatch.from_arrays(
        [
            pa.array([source_file] * len(ordered), pa.string()),
            pa.array([line for line, _, _ in ordered], pa.int64()),
            pa.array([encodable(reason) for _, reason, _ in ordered], pa.string()),
            pa.array([encodable(raw[:MAX_RAW_CHARACTERS]) for _, _, raw in ordered], pa.string()),
        ],
        schema=REJECT_SCHEMA,
    )


def encodable(text: str) -> str:
    """The text with lone surrogates, which JSON can hold and UTF-8 cannot, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def empty_sessions() -> pa.RecordBatch:
    """A batch of no sessions."""
    return pa.RecordBatch.from_pylist([], schema=BATCH_SCHEMA)


def decoded(raw: bytes) -> str:
    r"""The text of raw bytes; those that are not UTF-8 appear as \xNN."""
    return raw.decode("utf-8", "backslashreplace")


def hole_batch(hole: Hole, raw: str) -> ParsedBatch:
    """A batch that stands for a hole: one reject with what is left of the record there."""
    return ParsedBatch(empty_sessions(), reject_batch(hole.path, [(hole.line or 0, hole.reason, raw)]), 1, hole=hole)
