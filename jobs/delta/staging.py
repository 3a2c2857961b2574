"""Parsed logs staged as Parquet files: sessions that count, rejects, and what is said of open sessions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.arrays import Flags, Integers
from common.contracts.columns import PARTITIONS
from common.contracts.open_sessions import OPEN_COLUMNS
from common.contracts.session import OPEN_SUBTYPES, REJECT_COLUMNS, REJECT_SCHEMA, SESSION_COLUMNS, SOURCE_COLUMNS
from common.contracts.types import Column, arrow_schema
from common.contracts.window_columns import WINDOW_MICROS, micros
from common.logs import Counts, ParsedBatch
from common.logs.batches import MAX_RAW_CHARACTERS, decoded
from common.logs.files import open_file
from common.logs.reading import read_records
from common.privacy.masking import NO_MASK, Mask
from common.windows import Windows
from jobs.delta.placement import Placement

SLICE = Column("slice", "int", "position of the window that counts the record, in the windows of the run")
REJECTS = arrow_schema((*REJECT_COLUMNS, *PARTITIONS))
ROWS_PER_GROUP = 262_144
RAW_ROWS = 1_000


STAGED = arrow_schema((*SESSION_COLUMNS, *SOURCE_COLUMNS, SLICE))
"""The columns of staged sessions."""
REPEATED = [field.name for field in STAGED if field.type == pa.string() and field.name not in ("session_id", "url")]
"""Those written with a dictionary: of the others nearly every value is different."""
OPEN = arrow_schema((*OPEN_COLUMNS, SLICE))
"""The columns of staged start logs and updates."""
ENDS = pa.schema([STAGED.field(name) for name in ("device_serial", "session_id", "start_ts", SLICE.name)])
"""The columns of staged ends of sessions that do not count."""


@dataclass
class RunCounts(Counts):
    """The counts of a run's records; those `outside` are of other windows than the run's."""

    outside: int = 0

    def add_up(self) -> bool:
        """Whether every record has exactly one outcome."""
        return Counts.add_up(replace(self, read=self.read - self.outside))

    def of_records(self) -> dict[str, int]:
        """The numbers of records by name."""
        return super().of_records() | {"outside": self.outside}


@dataclass
class Staging:
    """Writes parsed batches to `sessions.parquet` and `rejects.parquet` in a folder.

    Start logs and updates go to `open.parquet`, and the ends of sessions that are duplicates or late to `ends.parquet`.
    Sessions that were logged more than `lateness` outside the window of their batch are rejects. Those without a batch
    that end outside the windows of the run are counted as `outside`. `counts` lacks only the duplicates, which are
    found across all sessions later. Nothing is staged before the mask has turned its names into pseudonyms.
    """

    folder: Path
    placement: Placement
    lateness: timedelta
    counts: RunCounts = field(default_factory=RunCounts)
    mask: Mask = NO_MASK
    _pending: list[pa.RecordBatch] = field(default_factory=list)
    _late: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def sessions_path(self) -> str:
        """The file of the sessions."""
        return str(self.folder / "sessions.parquet")

    @property
    def rejects_path(self) -> str:
        """The file of the rejects."""
        return str(self.folder / "rejects.parquet")

    @property
    def open_path(self) -> str:
        """The file of the start logs and updates."""
        return str(self.folder / "open.parquet")

    @property
    def ends_path(self) -> str:
        """The file of the ends of sessions that do not count."""
        return str(self.folder / "ends.parquet")

    def __enter__(self) -> Staging:
        self._members = list(self.placement.windows)
        self._sessions = pq.ParquetWriter(
            self.sessions_path, STAGED, compression="lz4", use_dictionary=REPEATED, write_statistics=[SLICE.name]
        )
        self._rejects = pq.ParquetWriter(self.rejects_path, REJECTS, compression="zstd")
        self._open = pq.ParquetWriter(self.open_path, OPEN, compression="lz4")
        self._ends = pq.ParquetWriter(self.ends_path, ENDS, compression="lz4")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
            for path, found in sorted(self._late.items()):
                for batch in late_rejects(path, found):
                    self._reject(batch)
        for writer in (self._sessions, self._rejects, self._open, self._ends):
            writer.close()

    def add(self, batch: ParsedBatch) -> None:
        """Stages one batch; batches must arrive in the order of the input."""
        self.counts.add(batch)
        self._reject(batch.rejects)
        sessions = self.mask.rows("sessions", batch.sessions)
        kept, uncounted, duplicates = (
            sessions.filter(pc.equal(sessions.column("status"), status))
            for status in ("kept", "uncounted", "duplicate")
        )
        self.counts.uncounted += uncounted.num_rows
        self.counts.duplicate += duplicates.num_rows
        self._add_open(uncounted)
        self._add_ends(duplicates.filter(pc.invert(pc.is_in(duplicates.column("subtype"), pa.array(OPEN_SUBTYPES)))))
        sessions, slices = self._placed(kept)
        self.counts.kept += sessions.num_rows
        columns = {name: sessions.column(name) for name in STAGED.names if name in sessions.schema.names}
        columns[SLICE.name] = pa.array(slices, pa.int32())
        self._pending.append(pa.RecordBatch.from_pydict(columns, schema=STAGED))
        if sum(pending.num_rows for pending in self._pending) >= ROWS_PER_GROUP:
            self._flush()

    def _placed(self, sessions: pa.RecordBatch) -> tuple[pa.RecordBatch, Integers]:
        """The sessions that count and the positions of their windows; the others are counted here."""
        place, slices, inside = self._places(sessions)
        if inside.all():
            return sessions, slices
        if place is None:
            self.counts.outside += int(np.count_nonzero(~inside))
        else:
            lost = sessions.filter(pa.array(~inside))
            self._reject_late(lost, self._members[place])
            self._add_ends(lost)
        return sessions.filter(pa.array(inside)), slices[inside]

    def _places(self, records: pa.RecordBatch) -> tuple[int | None, Integers, Flags]:
        """The window of the records' batch, None without one; that of each record; and whether it is in time there."""
        place = self.placement.slice_of(records.column("source_file")[0].as_py()) if records.num_rows else None
        if place is None:
            ends = records.column("end_ts").cast(pa.int64()).to_numpy()
            slices = (ends - micros(self.placement.windows)[0]) // WINDOW_MICROS
            return None, slices, (slices >= 0) & (slices < len(self._members))
        start, end = micros(self._members[place])
        late = self.lateness // timedelta(microseconds=1)
        moments = logged_of(records).cast(pa.int64()).to_numpy()
        return place, np.full(len(moments), place), (moments >= start - late) & (moments <= end + late)

    def _add_open(self, records: pa.RecordBatch) -> None:
        """Stages the start logs and updates that are in time and name their session."""
        _, slices, inside = self._places(records)
        session = records.column("session_id")
        is_named = pc.and_(session.is_valid(), pc.not_equal(session, "0").fill_null(False))
        columns = {name: records.column(name) for name in OPEN.names if name in records.schema.names}
        columns["last_seen_ts"] = logged_of(records)
        self._stage(self._open, columns, slices, inside & np.asarray(is_named))

    def _add_ends(self, sessions: pa.RecordBatch) -> None:
        """Stages the ends of sessions that do not count: late ones, too, say that a session is no longer open."""
        place, slices, inside = self._places(sessions)
        columns = {name: sessions.column(name) for name in ENDS.names if name in sessions.schema.names}
        self._stage(self._ends, columns, slices, inside if place is None else np.ones(len(slices), bool))

    def _stage(self, writer: pq.ParquetWriter, columns: dict[str, pa.Array], slices: Integers, chosen: Flags) -> None:
        if chosen.any():
            columns[SLICE.name] = pa.array(slices, pa.int32())
            rows = pa.RecordBatch.from_pydict(columns, schema=writer.schema)
            writer.write_batch(rows.filter(pa.array(chosen)))

    def _reject_late(self, lost: pa.RecordBatch, window: Windows) -> None:
        self.counts.rejected += lost.num_rows
        logged = (logged_of(lost).to_pylist(), lost.column("log_ts").is_valid().to_pylist())
        where = (lost.column(name).to_pylist() for name in ("source_file", "source_line"))
        for path, line, moment, named in zip(*where, *logged, strict=True):
            name = "log_ts" if named else "end_ts"
            reason = f"{name} {moment:%Y-%m-%dT%H:%M:%SZ} is more than {self.lateness} outside the window {window}"
            self._late[path].append((line, reason))

    def _reject(self, rejects: pa.RecordBatch) -> None:
        """Writes rejects of one file to the partition of its window; without one, to that of the first window."""
        if not rejects.num_rows:
            return
        rejects = self.mask.rows("sessions_rejected", rejects)
        window = self._members[self.placement.slice_of(rejects.column("source_file")[0].as_py()) or 0]
        values = (f"{window.start:%Y-%m-%d}", window.key)
        partition = [pa.repeat(value, rejects.num_rows) for value in values]
        self._rejects.write_batch(pa.RecordBatch.from_arrays([*rejects.columns, *partition], schema=REJECTS))

    def _flush(self) -> None:
        if self._pending:
            self._sessions.write_table(pa.Table.from_batches(self._pending), row_group_size=ROWS_PER_GROUP)
            self._pending = []


def logged_of(sessions: pa.RecordBatch) -> pa.Array:
    """When the sessions were logged, or else ended: an idle one ends long before its log, and is not late."""
    return pc.coalesce(sessions.column("log_ts"), sessions.column("end_ts"))


def late_rejects(path: str, found: Sequence[tuple[int, str]]) -> Iterator[pa.RecordBatch]:
    """Reject rows of the late sessions (line, reason) of a file, with their raw text reread from it."""
    raw: dict[int, str] = {}
    for line, text in raw_records(path, {line for line, _ in found}):
        raw[line] = f"{raw[line]}\n{text}"[:MAX_RAW_CHARACTERS] if line in raw else text  # several records on a line
    for begin in range(0, len(found), RAW_ROWS):
        rows = found[begin : begin + RAW_ROWS]
        yield pa.RecordBatch.from_pylist(
            [
                {"source_file": path, "source_line": line, "reason": reason, "raw": raw.get(line, "")}
                for line, reason in rows
            ],
            schema=REJECT_SCHEMA,
        )


def raw_records(path: str, wanted: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Line number and text of the records on the wanted lines of a file; for a Parquet file, its rows as JSON."""
    numbers = set(wanted)
    with open_file(path) as stream:
        if stream.read(4) == b"PAR1":
            yield from _raw_rows(pq.ParquetFile(stream), numbers)
            return
    for number, line in read_records(path):
        if number in numbers:
            yield number, decoded(line.rstrip(b"\r"))


def _raw_rows(file: pq.ParquetFile, wanted: set[int]) -> Iterator[tuple[int, str]]:
    """Number and JSON of the wanted rows of a Parquet file; none of a damaged row group."""
    first = 1
    for group in range(file.num_row_groups):
        behind = first + file.metadata.row_group(group).num_rows
        numbers = sorted(number for number in wanted if first <= number < behind)
        if numbers:
            try:
                rows = file.read_row_group(group).take(pa.array([number - first for number in numbers]))
                texts = [json.dumps(row, default=str) for row in rows.to_pylist()]
            except (pa.ArrowException, OSError, ValueError):
                texts = []  # damaged, or times that Python cannot hold
            yield from zip(numbers, texts, strict=False)
        first = behind
