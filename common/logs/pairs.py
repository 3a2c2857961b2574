"""Reads lines of `key=value` pairs as sessions: the lines that share their keys together, all others one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.keyed import KeyedLines, Style, fields_of
from common.logs.options import ReadOptions
from common.logs.records import THREAT, TRAFFIC, Raw, session_of, status_of
from common.logs.source import Source
from common.logs.tables import sessions_of
from common.logs.values import BLANK, FieldError
from common.logs.vectors import as_text, by_distinct

Rule = Callable[[str | None], str | None]

PLAIN = frozenset(
    {"src_port", "nat_src_port", "session_id", "sequence_number", "bytes_sent", "bytes_received", "packets_sent"}
    | {"packets_received", "duration_s"}
)
"""Columns with many distinct values."""


@dataclass(frozen=True)
class Profile:
    """The keys of each canonical column, in order of preference, and the rules for the text of some columns."""

    keys: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, Rule] = field(default_factory=dict)

    def raw(self, fields: Mapping[str, str]) -> dict[str, str | None]:
        """The text of each column in a line."""
        found: dict[str, str | None] = {}
        for name, keys in self.keys.items():
            value = next((fields[key] for key in keys if fields.get(key)), None)
            rule = self.rules.get(name)
            found[name] = rule(value) if rule and value is not None else value
        return found

    def columns(self, table: pa.RecordBatch) -> tuple[dict[str, pa.Array], Flags]:
        """The columns of lines that share their keys, and the mask of the rows that are certain."""
        certain = np.ones(table.num_rows, dtype=bool)
        found: dict[str, pa.Array] = {}
        for name, keys in self.keys.items():
            present = [table.column(key) for key in keys if key in table.schema.names]
            if not present:
                continue
            column = present[0] if len(present) == 1 else pc.coalesce(*map(as_text, present))
            if rule := self.rules.get(name):
                column, sure = by_distinct(column, rule, pa.string())
                certain &= sure
            found[name] = column
        return found, certain


_PROGRAM = re.compile(
    r"(?:<[0-9]{1,3}>)?(?:1 )?(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+) "
)
"""The beginning of a syslog message, of whatever program."""

_ENDPOINTS = {"src_ip", "dst_ip", "src_port", "dst_port", "protocol"}
_REQUIRED = {TRAFFIC: _ENDPOINTS | {"start_ts", "duration_s"}, THREAT: _ENDPOINTS | {"log_time"}}
"""Columns without which lines are not parsed together."""

Together = tuple[str, Flags, dict[str, pa.Array], Flags]
"""The log type, the mask of its rows, the columns of all rows, and the mask of the rows that are certain."""


class PairFormat(Protocol):
    """What a format of pairs defines."""

    def style(self, line: bytes) -> Style:
        """How lines like this one are built."""

    def raw(self, fields: Mapping[str, str]) -> tuple[str, Raw]:
        """The log type of a line, and its text by canonical column; an empty one for types that describe no session."""

    def together(self, table: pa.RecordBatch, style: Style) -> Iterator[Together]:
        """The same for lines that share their keys; lines that no part covers are read one by one."""

    @property
    def wanted(self) -> frozenset[str]:
        """The keys that are needed."""

    @property
    def plain(self) -> frozenset[str]:
        """The keys with many distinct values."""


def read_pairs(source: Source, form: PairFormat) -> Iterator[ParsedBatch]:
    """A batch for each block."""
    for block in source.blocks:
        yield parse_block(block, source.path, source.options, form)


def parse_block(block: Block, path: str, options: ReadOptions, form: PairFormat) -> ParsedBatch:
    """The records of the block."""
    data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
    collector = RecordCollector(path)
    if not data.strip():
        return collector.batch()
    style = form.style(data.lstrip()[: MAX_LINE_BYTES + 1].split(b"\n", 1)[0])
    lines = KeyedLines(data, style)
    alone = np.zeros(len(lines.starts), dtype=bool)
    alone[lines.filled] = True
    found = []
    for columns in lines.columns(form.plain, form.wanted):
        for kind, mask, raw, sure in form.together(columns.table, style):
            rows = columns.lines[mask]
            if not len(rows) or not _REQUIRED[kind] <= set(raw):
                continue
            batch = pa.RecordBatch.from_arrays(list(raw.values()), names=list(raw))
            if not mask.all():
                batch = batch.filter(pa.array(mask))
            numbers, doubtful = block.numbers_of(rows), ~sure[mask]
            sessions, certain = sessions_of(batch, kind, numbers, path, options, doubtful, collector.zones)
            found.append(sessions)
            alone[rows[certain]] = False
    for at in np.flatnonzero(alone).tolist():
        parse_line(lines[at], block.number(at), options, form, collector)
    return collector.batch(found)


def parse_line(line: bytes, number: int, options: ReadOptions, form: PairFormat, into: RecordCollector) -> None:
    """Adds the outcome of the line: the reference for lines that are parsed together."""
    text = decoded(line[: MAX_LINE_BYTES + 1]).strip(BLANK)
    if not text:
        return
    try:
        if len(line) > MAX_LINE_BYTES:
            raise FieldError(f"the line is longer than {MAX_LINE_BYTES} bytes")
        fields = fields_of(text, form.style(line))
        if fields is None:
            if _PROGRAM.match(text) and f"{form.style(line).magic.decode()}|" not in text:
                into.skip("other program")
                return
            raise FieldError("the line does not have the header of its format")
        kind, raw = form.raw(fields)
        if kind not in (TRAFFIC, THREAT):
            into.skip(kind)
            return
        session = session_of(kind, raw, options)
    except FieldError as error:
        into.reject(number, str(error), text)
    else:
        into.keep(number, session, status_of(kind, session["subtype"]))
