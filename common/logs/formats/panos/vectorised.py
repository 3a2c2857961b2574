"""Parses PAN-OS log lines many at a time.

The lines of a block that share a layout (log type, number of columns, shift) are parsed together. A line that fits no
common layout, or has a value that is not certain, is left to `lines`, which parses it by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.contracts.session import DICTIONARY, OF_FEW_VALUES
from common.logs.batches import ParsedBatch, RecordCollector
from common.logs.blocks import Block, line_ends
from common.logs.csv_lines import split_columns
from common.logs.csv_rows import read_rows
from common.logs.formats.panos.block_lines import BlockLines
from common.logs.formats.panos.columns import (
    ENDS_IN_TIME,
    LINK_SWITCHES,
    NEEDED_COLUMNS,
    POSITIONS,
    RECEIVE_TIME,
    RECORD_START_BYTES,
    RELEASE_COLUMNS,
    TYPE_POSITION,
    TYPES,
    VERSION_POSITION,
    is_cut,
)
from common.logs.formats.panos.lines import parse_lines
from common.logs.formats.panos.types import find_type
from common.logs.options import ReadOptions
from common.logs.records import TRAFFIC
from common.logs.tables import sessions_of
from common.logs.vectors import as_text, by_distinct

_SHIFTS = (-1, 0, 1)
_MIN_LINES = 24
_MAX_PASSES = 8
_SAMPLE = 8
_BY_DISTINCT = OF_FEW_VALUES | {"type", "version", "repeat_count", "app_risk"}
"""Columns whose values are looked at once per distinct value."""


@dataclass(frozen=True)
class Layout:
    """What lines must share to be parsed together; `shift` is how far to the right of its position the log type is."""

    kind: str
    columns: int
    shift: int

    @property
    def may_be_glued(self) -> bool:
        """Whether a line of this length may hold a second record, of a type other than TRAFFIC and THREAT."""
        return self.columns - self.shift not in RELEASE_COLUMNS[self.kind]


def parse_block(block: Block, source_file: str, options: ReadOptions) -> ParsedBatch:
    """The records of the block."""
    data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    raw_lines = BlockLines(data, block.line_ends if data is block.data else line_ends(data))
    lines, unclear = raw_lines.with_doubled_quotes()
    filled = lines.all[lines.ends > lines.starts]
    irregular = np.union1d(lines.irregular(), unclear)
    one_by_one = [irregular]
    remaining = np.setdiff1d(filled, irregular, assume_unique=True) if len(irregular) else filled
    found: list[pa.RecordBatch] = []
    collector = RecordCollector(source_file)
    for _ in range(_MAX_PASSES):
        layout = common_layout(lines, remaining)
        if layout is None:
            break
        taken, unfit, rows = parse_together(lines, remaining, layout, block, collector, options)
        found.append(rows)
        one_by_one.append(unfit)
        if not len(taken):
            break
        remaining = np.setdiff1d(remaining, taken, assume_unique=True)
    one_by_one.append(remaining)
    parse_lines(raw_lines, np.unique(np.concatenate(one_by_one)).tolist(), block.number, options, collector)
    return collector.batch(found)


def common_layout(lines: BlockLines, indices: Integers) -> Layout | None:
    """The most frequent layout in a sample of the lines; None if there are too few lines, or no layout."""
    if len(indices) < _MIN_LINES:
        return None
    sample = indices[np.linspace(0, len(indices) - 1, _SAMPLE, dtype=np.int64)].tolist()
    layouts = Counter(layout for at in sample if (layout := _layout(lines[at])))
    return layouts.most_common(1)[0][0] if layouts else None


def _layout(raw: bytes) -> Layout | None:
    columns = split_columns(raw.decode())
    found = find_type(columns)
    if found is None or found[0] not in POSITIONS:
        return None
    layout = Layout(found[0], len(columns), found[1])
    enough = layout.columns - layout.shift > NEEDED_COLUMNS[layout.kind]
    return layout if enough and layout.shift in _SHIFTS else None


def parse_together(
    lines: BlockLines, indices: Integers, layout: Layout, block: Block, into: RecordCollector, options: ReadOptions
) -> tuple[Integers, Integers, pa.RecordBatch]:
    """The lines that have the layout, those among them that are not certain, and the sessions of the others."""
    table, fitting = read_columns(lines, indices, layout)
    if layout.shift < 0:  # header and receive time are in one column
        table = table.append_column("header", table.column("receive_time"))
    right = np.asarray(pc.equal(table.column("type"), layout.kind).fill_null(False))
    if layout.shift:
        decoy = table.column(names_at(layout)[TYPE_POSITION])
        right &= ~np.asarray(pc.is_in(as_text(decoy), pa.array(sorted(TYPES))))
    if layout.may_be_glued:
        records = (len(RECORD_START_BYTES.findall(lines[at])) for at in fitting.tolist())
        right &= np.fromiter((count < 2 for count in records), dtype=bool, count=len(fitting))
    if not right.all():
        table, fitting = table.filter(pa.array(right)), fitting[right]
    rows, certain = sessions_of(
        table,
        layout.kind,
        block.numbers_of(fitting),
        into.source_file,
        options,
        _doubtful(table, layout),
        into.zones,
    )
    return fitting, fitting[~certain], rows


def _doubtful(table: pa.RecordBatch, layout: Layout) -> Flags:
    """Mask of records that may be cut off in a column that is read, hold braces, or whose type may be another one."""
    doubtful = np.zeros(table.num_rows, dtype=bool)
    if "version" in table.schema.names:
        columns = layout.columns - layout.shift
        cut, _ = by_distinct(table.column("version"), partial(is_cut, layout.kind, columns), pa.bool_())
        doubtful |= np.asarray(cut.fill_null(is_cut(layout.kind, columns, "")))
    if "braces" in table.schema.names:
        doubtful |= np.asarray(pc.starts_with(table.column("braces"), "{").fill_null(False))
    if layout.shift:
        doubtful |= ~_matching(table.column("receive_time"), rf"{RECEIVE_TIME}\z")
    if layout.shift > 0:
        doubtful |= _matching(table.column("header"), rf"{ENDS_IN_TIME}\z")
        doubtful |= _matching(table.column("before"), rf"{ENDS_IN_TIME}\z")
    return doubtful


def _matching(column: pa.Array, pattern: str) -> Flags:
    found: Flags = np.asarray(pc.match_substring_regex(as_text(column), pattern).fill_null(False))
    return found


def read_columns(lines: BlockLines, indices: Integers, layout: Layout) -> tuple[pa.RecordBatch, Integers]:
    """The needed columns of the lines with the layout's number of columns, and the indices of these lines."""
    table, misfits = _read_csv(lines.joined(indices), layout)
    if table is None or table.num_rows + len(misfits) != len(indices):
        table, misfits = _read_csv(b"", layout)[0], range(len(indices))
    return table, np.delete(indices, misfits)


def names_at(layout: Layout) -> dict[int, str]:
    """The names of the needed columns by their position in the line."""
    positions = {"type": TYPE_POSITION} | POSITIONS[layout.kind]
    if layout.shift:
        positions["receive_time"] = 1
    if layout.kind == TRAFFIC:
        positions["braces"] = LINK_SWITCHES
    if layout.columns - layout.shift - 1 in positions.values():
        positions["version"] = VERSION_POSITION  # says whether the last column may be cut off
    at = {position + layout.shift: name for name, position in positions.items()}
    extra = {0: "header"} | ({1: "before"} if layout.shift > 0 else {})
    return extra | {position: name for position, name in at.items() if position < layout.columns}


def _read_csv(data: bytes, layout: Layout) -> tuple[pa.RecordBatch | None, Sequence[int]]:
    """The needed columns of the rows with the layout's number of columns, and the numbers of the other rows."""
    at = names_at(layout)
    names = [at.get(position, f"f{position}") for position in range(layout.columns)]
    types = {name: DICTIONARY if name in _BY_DISTINCT else pa.string() for name in at.values()}
    if not data:
        return pa.RecordBatch.from_pylist([], schema=pa.schema(types.items())), []
    table, misfits = read_rows(data, names, types)
    return table.to_batches()[0] if table is not None and table.num_rows else None, misfits
