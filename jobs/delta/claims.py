"""Claims: the records of the run that no other window counts, so that a record delivered again counts once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cached_property, reduce
from operator import add

import pyarrow as pa
from deltalake.transaction import AddAction
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.contracts.session import DUPLICATE_KEY
from common.contracts.window_columns import WINDOW_MICROS, micros
from common.errors import CommitError
from common.lake.session_keys import KEY, LATE, SCHEMA, TABLE, SessionKeys, Snapshot
from common.lake.table_files import rows_of
from common.retries import Retries, TryAgainError, retried
from common.runtime.context import StageRun
from common.storage.scratch import writing
from common.windows import WINDOW, Windows
from jobs.delta.kept import Without
from jobs.delta.scanning import Intake, identifiable
from jobs.delta.staging import SLICE

COMMIT_RETRIES = Retries(tries=200, first_pause_seconds=0.05, longest_pause_seconds=0.05)
IDENTITY = (*DUPLICATE_KEY, "end_ts")
"""Records of two windows that agree in all of these are the same."""

TIMES = ("start_ts", "end_ts")


def claim(intake: Intake, stage: StageRun, windows: Windows) -> Intake:
    """The intake without the records that another window counts, which are counted as duplicates.

    Commits the keys of the run's windows to `session_keys` in one version that no other run has overtaken. A record
    without an id cannot be told from others and always counts.

    Raises:
        CommitError: the keys cannot be committed.
    """
    distance = reach(stage.project.allowed_lateness_minutes)
    others = (
        Windows(windows.start - distance * WINDOW, windows.start),
        Windows(windows.end, windows.end + distance * WINDOW),
    )
    keys = SessionKeys(stage.lake, windows, others)
    run = _Run(intake, stage, windows, distance)
    with writing(stage.lake.uri, TABLE):
        snapshot, repeated, rows = _committed(keys, run)
    stage.report.wrote(TABLE, snapshot.table.version() + 1, rows)
    stage.report.details["other_windows"] = {"with_keys": snapshot.windows, "duplicates": repeated.num_rows}
    if not repeated.num_rows:
        return intake
    counts = replace(
        intake.counts,
        kept=intake.counts.kept - repeated.num_rows,
        duplicate=intake.counts.duplicate + repeated.num_rows,
    )
    unwanted = F.broadcast(stage.session.createDataFrame(repeated))
    keyed = intake.sessions.select("*", *key_columns())
    sessions = keyed.join(unwanted, list(KEY), "left_anti").drop(*KEY)
    kept = Without(intake.kept, keyed.join(unwanted, list(KEY), "left_semi").select(*IDENTITY).toArrow())
    return replace(intake, sessions=sessions, kept=kept, counts=counts)


def reach(lateness_minutes: float) -> int:
    """How many windows away another window may count the same record.

    A record may count in every window within the lateness of its end: two such windows start at most twice the lateness
    and a window apart.
    """
    return (2 * timedelta(minutes=lateness_minutes) + WINDOW) // WINDOW


def key_columns() -> tuple[Column, Column]:
    """A 128-bit hash of what identifies a record, as two numbers; equal on all engines.

    The engine's hash skips nulls: which fields are null is hashed first, as a number.
    """
    nulls = reduce(add, (F.col(name).isNull().cast("long") * (1 << at) for at, name in enumerate(IDENTITY)))
    fields = [F.unix_micros(name) if name in TIMES else F.col(name) for name in IDENTITY]
    return (
        F.xxhash64(nulls, *fields).alias(KEY[0]),
        F.xxhash64(F.lit("second half"), nulls, *fields).alias(KEY[1]),
    )


def _committed(keys: SessionKeys, run: _Run) -> tuple[Snapshot, pa.Table, int]:
    """The state that the claim was compared with, the run's keys that other windows have, and the count of the rest."""
    files: list[AddAction] = []
    seen: dict[str, tuple[str, str]] | None = None
    repeated = SCHEMA.empty_table()

    def committed() -> tuple[Snapshot, pa.Table, int]:
        nonlocal seen, repeated
        snapshot = keys.snapshot()
        if snapshot.files != seen:
            keys.discard(files)
            files.clear()
            seen, repeated = snapshot.files, run.repeated(snapshot)
            files.extend(keys.written(run.claimed(repeated)))
        if not keys.commit(snapshot, files):
            raise TryAgainError("another run has committed first")
        return snapshot, repeated, sum(map(rows_of, files))

    try:
        return retried(
            f"a commit to table {TABLE}",
            committed,
            COMMIT_RETRIES,
            failure=CommitError,
            remedy="Run again with fewer concurrent writers",
        )
    except BaseException:
        keys.discard(files)
        raise


class _Run:
    """The keys of the run's own records: where each counts, and whether it is late there."""

    def __init__(self, intake: Intake, stage: StageRun, windows: Windows, distance: int) -> None:
        self._session = stage.session
        slices = F.col(SLICE.name)
        ended = F.floor((F.unix_micros("end_ts") - F.lit(micros(windows)[0])) / F.lit(WINDOW_MICROS))
        known = intake.sessions.where(identifiable())
        self._keys = known.select(*key_columns(), slices, (ended != slices).alias(LATE))
        # other windows share no record with those further inside
        self._edge = self._keys.where((slices < distance) | (slices >= len(windows) - distance))

    @cached_property
    def _late(self) -> pa.Table:
        return self._edge.where(LATE).select(*KEY).toArrow().cast(SCHEMA)

    def repeated(self, snapshot: Snapshot) -> pa.Table:
        """The keys that other windows have.

        A record is on time in at most one window. So those on time here are compared with the late ones elsewhere,
        which are few, and those late here with all.
        """
        found = snapshot.among(self._late)
        late = snapshot.late()
        if not late.num_rows:
            return found
        elsewhere = F.broadcast(self._session.createDataFrame(late))
        on_time = self._edge.where(~F.col(LATE)).join(elsewhere, list(KEY), "left_semi")
        return pa.concat_tables([found, on_time.select(*KEY).toArrow().cast(SCHEMA)])

    def claimed(self, repeated: pa.Table) -> DataFrame:
        """The run's keys without the repeated ones."""
        if not repeated.num_rows:
            return self._keys
        return self._keys.join(F.broadcast(self._session.createDataFrame(repeated)), list(KEY), "left_anti")
