"""Claims: the records of the run that no other window counts, so that a record delivered again counts once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
from deltalake.transaction import AddAction

from common.contracts.types import Table
from common.contracts.window_columns import WINDOW_MICROS, micros
from common.errors import CommitError
from common.lake.session_keys import KEY, LATE, ON_TIME, SCHEMA, TABLE, KeyFiles, SessionKeys, Snapshot, may_have
from common.lake.table_files import as_rows, from_rows, rows_of
from common.logs.duplicates import identifiable
from common.retries import Retries, TryAgainError, retried
from common.runtime.context import StageRun
from common.runtime.parts import each_part
from common.storage.scratch import writing
from common.windows import WINDOW, Windows
from jobs.delta.kept import PLACES, Kept, Part, Piece, parts_of, without
from jobs.delta.record_keys import IDENTITY, keys_of
from jobs.delta.scanning import Intake
from jobs.delta.staging import SLICE

COMMIT_RETRIES = Retries(tries=200, first_pause_seconds=0.05, longest_pause_seconds=0.05)


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
    with writing(stage.lake.uri, TABLE):
        members = [window.key for window in windows]
        edge = {*members[:distance], *members[-distance:]}  # those further inside share no record with others
        snapshot, repeated, rows = _committed(keys, _written(intake.kept, stage, windows), edge)
    stage.report.wrote(TABLE, snapshot.table.version() + 1, rows)
    stage.report.details["other_windows"] = {"with_keys": snapshot.windows, "duplicates": len(repeated)}
    if not len(repeated):
        return intake
    dropped = _places(intake.kept, stage, repeated)
    counts = replace(
        intake.counts, kept=intake.counts.kept - len(dropped), duplicate=intake.counts.duplicate + len(dropped)
    )
    return replace(intake, kept=without(intake.kept, dropped), counts=counts)


def reach(lateness_minutes: float) -> int:
    """How many windows away another window may count the same record.

    A record may count in every window within the lateness of its end: two such windows start at most twice the lateness
    and a window apart.
    """
    return (2 * timedelta(minutes=lateness_minutes) + WINDOW) // WINDOW


def _written(kept: Kept, stage: StageRun, windows: Windows) -> list[AddAction]:
    """Files of the keys of all records, which count once they are committed."""
    place = (stage.lake.location(TABLE), stage.lake.table(TABLE))
    work = partial(_write_keys, place=place, windows=windows)
    files: list[AddAction] = []
    try:
        for written in each_part(stage.engine, work, parts_of(kept.pieces())):
            files += from_rows(written)
    except BaseException:
        stage.lake.discard(TABLE, files)
        raise
    return files


def _write_keys(part: Part[Piece], place: tuple[str, Table], windows: Windows) -> pa.Table:
    """The files of a part's keys, `as_rows`."""
    files, start = KeyFiles(*place, windows), micros(windows)[0]
    for _, piece in part:
        for rows in piece.rows([*IDENTITY, SLICE.name]):
            known = rows.filter(identifiable(rows))
            slices = known[SLICE.name].to_numpy()
            ended = (known["end_ts"].cast(pa.int64()).to_numpy() - start) // WINDOW_MICROS
            files.add(keys_of(known), slices, ended != slices)
    files.flush()
    return as_rows(files.actions)


def _places(kept: Kept, stage: StageRun, repeated: pa.Table) -> pa.Table:
    """The `PLACES` of the records with these keys."""
    found = each_part(stage.engine, partial(_places_in, wanted=repeated), parts_of(kept.pieces()))
    return pa.concat_tables([PLACES.empty_table(), *found])


def _places_in(part: Part[Piece], wanted: pa.Table) -> pa.Table:
    found = [PLACES.empty_table()]
    for number, piece in part:
        first = 0
        for rows in piece.rows(IDENTITY):
            places = pa.array(np.arange(first, first + len(rows)))
            first += len(rows)
            of_wanted = keys_of(rows).append_column("row", places).join(wanted, list(KEY), join_type="left semi")["row"]
            found.append(pa.table([pa.repeat(number, len(of_wanted)), of_wanted], schema=PLACES))
    return pa.concat_tables(found)


def _committed(keys: SessionKeys, files: list[AddAction], edge: Collection[str]) -> tuple[Snapshot, pa.Table, int]:
    """The state that the claim was compared with, the run's keys that other windows have, and the count of the rest.

    Args:
        keys: the table.
        files: with all keys of the run; those that are not committed are removed.
        edge: the windows of the run that may share records with others.
    """
    seen: frozenset[str] | None = None
    repeated, claimed = SCHEMA.empty_table(), files
    made: list[AddAction] = []

    def committed() -> tuple[Snapshot, pa.Table, int]:
        nonlocal seen, repeated, claimed
        snapshot = keys.snapshot()
        if snapshot.files != seen:
            keys.discard(made)
            made.clear()
            seen, claimed = snapshot.files, []
            repeated = _repeated(keys, [file for file in files if may_have(file, edge)], edge, snapshot)
            for file in files:
                left = keys.without(file, repeated) if may_have(file, edge) else [file]
                made.extend(one for one in left if one is not file)
                claimed += left
        if not keys.commit(snapshot, claimed):
            raise TryAgainError("another run has committed first")
        return snapshot, repeated, sum(map(rows_of, claimed))

    try:
        found = retried(
            f"a commit to table {TABLE}",
            committed,
            COMMIT_RETRIES,
            failure=CommitError,
            remedy="Run again with fewer concurrent writers",
        )
    except BaseException:
        keys.discard([*files, *made])
        raise
    keys.discard([file for file in files if file not in claimed])
    return found


def _repeated(keys: SessionKeys, files: Iterable[AddAction], edge: Collection[str], snapshot: Snapshot) -> pa.Table:
    """The keys of these files, in the windows of the edge, that other windows have.

    A record is on time in at most one window. So those on time here are compared with the late ones elsewhere, which
    are few, and those late here with all.
    """
    found = [SCHEMA.empty_table()]
    for file in files:
        found.append(snapshot.among(keys.of(file, LATE, edge)))
        if len(snapshot.late):
            found.append(keys.of(file, ON_TIME, edge).join(snapshot.late, list(KEY), join_type="left semi"))
    return pa.concat_tables(found)
