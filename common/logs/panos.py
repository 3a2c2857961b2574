"""PAN-OS TRAFFIC and THREAT logs as CSV, bare or in syslog, many lines at a time.

The lines of a block that share a layout (log type, number of columns, offset) are parsed together. A line that fits
no common layout, or has any value that is not certain, goes to `panos_lines`, which decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from common.logs.batches import ParsedBatch, RecordCollector
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.panos_columns import (
    MIN_COLUMNS,
    POSITIONS,
    RECORD_START_BYTES,
    RELEASE_COLUMNS,
    TYPE_POSITION,
    TYPES,
)
from common.logs.panos_lines import find_type, parse_line, split_columns
from common.logs.tables import sessions_of
from common.logs.vectors import as_text

Indices = npt.NDArray[np.int64]

_NEWLINE, _QUOTE, _COMMA = 10, 34, 44
_SHIFTS = (-1, 0, 1)
_MIN_LINES = 24
_MAX_PASSES = 8
_SAMPLE = 8
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_HIGH_CARDINALITY = frozenset(
    {"session_id", "src_port", "dst_port", "bytes_sent", "bytes_received", "packets_sent", "packets_received"}
    | {"duration_s", "sequence_number", "precise_time"}
)


@dataclass(frozen=True)
class Layout:
    """What lines have to share to be parsed together; `shift` is how far right of its place the log type stands."""

    kind: str
    columns: int
    shift: int

    @property
    def may_be_glued(self) -> bool:
        """Whether a line of this length may hold a second record that is neither TRAFFIC nor THREAT."""
        return self.columns - self.shift not in RELEASE_COLUMNS[self.kind]


class Lines:
    """The lines of a block, addressed by their index in it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        ends = np.flatnonzero(self._bytes == _NEWLINE)
        if not data.endswith(b"\n"):
            ends = np.append(ends, len(data))
        self.ends = ends
        self.starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1] + 1)) if len(ends) else ends
        self.all = np.arange(len(ends), dtype=np.int64)

    def __getitem__(self, index: int) -> bytes:
        return self.data[self.starts[index] : self.ends[index]]

    def joined(self, indices: Indices) -> bytes:
        """The bytes of the lines, in order."""
        if len(indices) == len(self.all):
            return self.data
        spans = zip(self.starts[indices].tolist(), self.ends[indices].tolist(), strict=True)
        return b"\n".join([self.data[start:end] for start, end in spans])

    def holding(self, positions: Indices) -> Indices:
        """The lines that hold the byte positions."""
        return np.unique(np.searchsorted(self.ends, positions))

    def where(self, byte: int) -> Indices:
        """The positions of a byte."""
        positions: Indices = np.flatnonzero(self._bytes == byte)
        return positions

    def irregular(self) -> Indices:
        """Lines that the CSV parser could read otherwise than line by line, or not at all."""
        parts = [np.flatnonzero(self.ends - self.starts > MAX_LINE_BYTES), self._with_several_types()]
        parts.extend(self.holding(self.where(byte)) for byte in (0, 13) if byte in self.data)
        if b"\\" in self.data and b'\\"' in self.data:
            backslashes = self.where(92)
            following = self._bytes[np.minimum(backslashes + 1, len(self.data) - 1)]
            parts.append(self.holding(backslashes[following == _QUOTE]))
        if not self.data.isascii():
            suspects = self.holding(np.flatnonzero(self._bytes > 127))
            parts.append(np.array([at for at in suspects if not _is_utf8(self[at])], dtype=np.int64))
        return np.unique(np.concatenate(parts))

    def _with_several_types(self) -> Indices:
        """Lines that hold `,TRAFFIC,` or `,THREAT,` more than once, counted together: perhaps glued records."""
        letters = self.where(ord("T"))
        letters = letters[(letters > 0) & (letters < len(self.data) - len("TRAFFIC"))]
        letters = letters[self._bytes[letters - 1] == _COMMA]
        second = self._bytes[letters + 1]
        ends = np.where(second == ord("R"), len("TRAFFIC"), np.where(second == ord("H"), len("THREAT"), 0))
        lines = np.searchsorted(self.ends, letters[self._bytes[letters + ends] == _COMMA])
        return np.unique(lines[1:][lines[1:] == lines[:-1]])

    def with_open_quote(self, indices: Indices) -> Indices:
        """Those of the lines that hold an odd number of quotes."""
        counts = np.bincount(np.searchsorted(self.ends, self.where(_QUOTE)), minlength=len(self.all))
        odd: Indices = indices[counts[indices] % 2 == 1]
        return odd


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_block(block: Block, source_file: str, zone: str) -> ParsedBatch:
    """Everything that the block's lines hold. Times without a zone are in `zone`."""
    data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    lines = Lines(data)
    filled = lines.all[lines.ends > lines.starts]
    irregular = lines.irregular()
    one_by_one = [irregular]
    remaining = np.setdiff1d(filled, irregular, assume_unique=True) if len(irregular) else filled
    found: list[pa.RecordBatch] = []
    for _ in range(_MAX_PASSES):
        layout = common_layout(lines, remaining)
        if layout is None:
            break
        taken, unfit, rows = parse_together(lines, remaining, layout, block.first_line, source_file, zone)
        found.append(rows)
        one_by_one.append(unfit)
        if not len(taken):
            break
        remaining = np.setdiff1d(remaining, taken, assume_unique=True)
    one_by_one.append(remaining)
    collector = RecordCollector(source_file)
    for at in np.unique(np.concatenate(one_by_one)).tolist():
        parse_line(lines[at], block.first_line + at, zone, collector)
    return collector.batch(found)


def common_layout(lines: Lines, indices: Indices) -> Layout | None:
    """The most frequent layout in a sample of the lines; None when they are few or have none."""
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
    whole = layout.columns - layout.shift >= MIN_COLUMNS[layout.kind]
    return layout if whole and layout.shift in _SHIFTS else None


def parse_together(
    lines: Lines, indices: Indices, layout: Layout, first_line: int, source_file: str, zone: str
) -> tuple[Indices, Indices, pa.RecordBatch]:
    """The lines that have the layout, those of them that need a closer look, and the sessions of the others."""
    table, fitting = read_columns(lines, indices, layout)
    right = np.asarray(pc.equal(table.column("type"), layout.kind).fill_null(False))
    if layout.shift:
        decoy = table.column(names_at(layout)[TYPE_POSITION])
        right &= ~np.asarray(pc.is_in(as_text(decoy), pa.array(sorted(TYPES))))
    if layout.may_be_glued:
        records = (len(RECORD_START_BYTES.findall(lines[at])) for at in fitting.tolist())
        right &= np.fromiter((count < 2 for count in records), dtype=bool, count=len(fitting))
    if not right.all():
        table, fitting = table.filter(pa.array(right)), fitting[right]
    rows, certain = sessions_of(table, layout.kind, fitting + first_line, source_file, zone)
    return fitting, fitting[~certain], rows


def read_columns(lines: Lines, indices: Indices, layout: Layout) -> tuple[pa.RecordBatch, Indices]:
    """The needed columns of those lines that have the layout's number of columns, and which lines these are."""
    table, misfits = _read_csv(lines.joined(indices), layout)
    if table is None or table.num_rows + len(misfits) != len(indices):
        indices = np.setdiff1d(indices, lines.with_open_quote(indices), assume_unique=True)
        table, misfits = _read_csv(lines.joined(indices), layout)
        if table is None or table.num_rows + len(misfits) != len(indices):
            table, misfits = _read_csv(b"", layout)[0], range(len(indices))
    return table, np.delete(indices, misfits)


def names_at(layout: Layout) -> dict[int, str]:
    """The names of the needed columns by their position in the line."""
    positions = {"type": TYPE_POSITION} | POSITIONS[layout.kind]
    if layout.shift:
        positions["receive_time"] = 1
    shifted = {position + layout.shift: name for name, position in positions.items()}
    return {position: name for position, name in shifted.items() if position < layout.columns}


def _read_csv(data: bytes, layout: Layout) -> tuple[pa.RecordBatch | None, Sequence[int]]:
    """The needed columns of the rows that have the layout's number of columns, and the numbers of the others."""
    at = names_at(layout)
    names = [at.get(position, f"f{position}") for position in range(layout.columns)]
    present = list(at.values())
    types = {name: pa.string() if name in _HIGH_CARDINALITY else _DICTIONARY for name in present}
    if not data:
        return pa.RecordBatch.from_pylist([], schema=pa.schema(types.items())), []
    misfits: list[int] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        misfits.append(row.number - 1)
        return "skip"

    try:
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            parse_options=pa_csv.ParseOptions(invalid_row_handler=skip),
            convert_options=pa_csv.ConvertOptions(
                column_types=types, include_columns=present, null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        return None, []
    return table.combine_chunks().to_batches()[0] if table.num_rows else None, misfits
