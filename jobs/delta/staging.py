"""Parsed logs staged in files: sessions that count, in the form of the table `sessions`, and rejects, and what is said
of open sessions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.contracts.columns import PARTITIONS
from common.contracts.open_sessions import OPEN_COLUMNS
from common.contracts.session import OF_MANY_VALUES, OPEN_SUBTYPES, REJECT_COLUMNS
from common.contracts.types import Column, Table, arrow_schema
from common.contracts.window_columns import TIMESTAMP, WINDOW_MICROS, micros
from common.lake.window_files import WindowFiles
from common.logs import ParsedBatch
from common.logs.file_parts import FilePart
from common.privacy.masking import NO_MASK, Mask
from common.windows import Windows
from jobs.delta.late import late_rejects
from jobs.delta.placement import Placement
from jobs.delta.staged import RunCounts, ScratchFile, StagedFile, StagedPart

SLICE = Column("slice", "int", "position of the window that counts the record, in the windows of the run")
REJECTS = arrow_schema((*REJECT_COLUMNS, *PARTITIONS))
ROWS_PER_FILE = 1 << 19

OPEN = arrow_schema((*OPEN_COLUMNS, SLICE))
"""The columns of staged start logs and updates."""
ENDS = pa.schema([("device_serial", pa.string()), ("session_id", pa.string()), ("start_ts", TIMESTAMP), SLICE.arrow])
"""The columns of staged ends of sessions that do not count."""


@dataclass
class Staging:
    """Writes parsed batches of a part of the input to files at a location.

    Sessions go to files of the table `sessions`, rejects, start logs and updates, and the ends of sessions that are
    duplicates or late to others.
    Sessions that were logged more than `lateness` outside the window of their batch are rejects. Those without a batch
    that end outside the windows of the run are counted as `outside`. `counts` lacks only the duplicates, which are
    found across all sessions later. Nothing is staged before the mask has turned its names into pseudonyms.
    """

    location: str
    table: Table
    placement: Placement
    lateness: timedelta
    inputs: Iterable[FilePart]
    counts: RunCounts = field(default_factory=RunCounts)
    mask: Mask = NO_MASK
    _late: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    def __enter__(self) -> Staging:
        self._members = list(self.placement.windows)
        self._sessions = WindowFiles(
            f"{self.location}/{self.table.name}", self.table, self.placement.windows, OF_MANY_VALUES, ROWS_PER_FILE
        )
        self._rejects, self._open, self._ends = (ScratchFile(self.location, schema) for schema in (REJECTS, OPEN, ENDS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._sessions.flush()
            for path, found in sorted(self._late.items()):
                for batch in late_rejects([part for part in self.inputs if part.path == path], found):
                    self._reject(batch)
        for file in (self._rejects, self._open, self._ends):
            file.close()

    def staged(self) -> StagedPart:
        """The files, which are complete."""
        location, windows = f"{self.location}/{self.table.name}", self.placement.windows
        sessions = (StagedFile(location, file.path, file.size, file.stats, windows) for file in self._sessions.actions)
        others = (file.paths for file in (self._rejects, self._open, self._ends))
        return StagedPart(self.counts, tuple(sessions), *others)

    def add(self, batch: ParsedBatch) -> None:
        """Stages one batch; batches must arrive in the order of the input."""
        self.counts.add(batch)
        self._reject(batch.rejects)
        sessions = self.mask.rows("sessions", batch.sessions)
        kept, uncounted, duplicates = (
            chosen(sessions, np.asarray(pc.equal(sessions.column("status"), status)))
            for status in ("kept", "uncounted", "duplicate")
        )
        self.counts.uncounted += uncounted.num_rows
        self.counts.duplicate += duplicates.num_rows
        self._add_open(uncounted)
        self._add_ends(duplicates.filter(pc.invert(pc.is_in(duplicates.column("subtype"), pa.array(OPEN_SUBTYPES)))))
        sessions, slices = self._placed(kept)
        self.counts.kept += sessions.num_rows
        if sessions.num_rows:
            self._sessions.add(pa.Table.from_batches([sessions]), pa.chunked_array([slices]))

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
        return chosen(sessions, inside), slices[inside]

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

    def _stage(self, file: ScratchFile, columns: dict[str, pa.Array], slices: Integers, wanted: Flags) -> None:
        if wanted.any():
            columns[SLICE.name] = pa.array(slices, pa.int32())
            rows = pa.RecordBatch.from_pydict(columns, schema=file.schema)
            file.write(chosen(rows, wanted))

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
        self._rejects.write(pa.RecordBatch.from_arrays([*rejects.columns, *partition], schema=REJECTS))


def logged_of(sessions: pa.RecordBatch) -> pa.Array:
    """When the sessions were logged, or else ended: an idle one ends long before its log, and is not late."""
    return pc.coalesce(sessions.column("log_ts"), sessions.column("end_ts"))


def chosen(rows: pa.RecordBatch, wanted: Flags) -> pa.RecordBatch:
    """Some of the rows; not a copy if it is all of them."""
    return rows if wanted.all() else rows.filter(pa.array(wanted))
