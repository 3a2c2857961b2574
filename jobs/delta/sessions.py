"""The table `sessions`: the records that the windows of a run count, one by one and with all columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from common.contracts.session import OF_MANY_VALUES
from common.contracts.types import Table
from common.lake.extent import any_predicate
from common.lake.lake import Lake
from common.lake.table_files import as_rows
from common.lake.window_files import WindowFiles
from common.runtime.context import StageRun
from common.runtime.part_files import replace_by_parts
from common.windows import Windows
from jobs.delta.kept import Kept, Part, Piece, by_file, parts_of
from jobs.delta.staged import StagedFile
from jobs.delta.staging import SLICE

TABLE = "sessions"


@dataclass(frozen=True)
class Keeping:
    """The work on some of the sessions: files of the table at a location."""

    location: str
    table: Table
    windows: Windows

    def __call__(self, part: StagedFile | Part[Piece]) -> pa.Table:
        """The files `as_rows`: a staged file as it is, or one or more with the rows of the pieces."""
        files = WindowFiles(self.location, self.table, self.windows, OF_MANY_VALUES)
        if isinstance(part, StagedFile):
            files.copy(part.location, part.action)
        else:
            for _, piece in part:
                for rows in piece.rows():
                    files.add(rows.drop_columns(SLICE.name), rows[SLICE.name])
            files.flush()
        return as_rows(files.actions)


def write_sessions(stage: StageRun, kept: Kept, windows: Windows) -> None:
    """Replaces the windows of the table by these sessions.

    Staged files all of whose rows count become files of the table as they are.

    Raises:
        CommitError: the table cannot be written.
    """
    whole, pieces = by_file(kept)
    parts: list[StagedFile | Part[Piece]] = [*whole, *parts_of(pieces)]
    work = Keeping(stage.lake.location(TABLE), stage.lake.table(TABLE), windows)
    replace_by_parts(stage, TABLE, windows, work, parts)


def remove_outdated(lake: Lake, name: str, windows: Windows, retention: timedelta) -> int:
    """Removes the dates that are longer before the newest one of a table, except the windows'; returns how many.

    Raises:
        CommitError: the table cannot be written.
    """
    held = {date.fromisoformat(partition["date"]) for partition in lake.partitions(name)} - {*windows.days()}
    newest = max(held | {windows.days()[-1]})
    outdated = sorted(f"{day}" for day in held if newest - day > retention)
    if outdated:
        lake.remove(name, any_predicate({"date": day} for day in outdated))
        lake.vacuum(name)
    return len(outdated)
