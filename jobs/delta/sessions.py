"""The table `sessions`: the records that the windows of a run count, one by one and with all columns."""

from __future__ import annotations

from datetime import date, timedelta

from common.contracts.session import OF_MANY_VALUES
from common.lake.extent import any_predicate
from common.lake.lake import Lake
from common.lake.window_files import window_files
from common.storage.scratch import writing
from common.windows import Windows
from jobs.delta.kept import Kept, by_file
from jobs.delta.staging import SLICE

TABLE = "sessions"


def write_sessions(lake: Lake, kept: Kept, windows: Windows) -> tuple[int, int]:
    """Replaces the windows of the table by these sessions; returns its new version and how many they are.

    Staged files all of whose rows count become files of the table as they are.

    Raises:
        CommitError: the table cannot be written.
    """
    with writing(lake.uri, TABLE), window_files(lake, TABLE, windows, OF_MANY_VALUES) as files:
        whole, pieces = by_file(kept)
        for file in whole:
            files.copy(file.location, file.action)
        for piece in pieces:
            for rows in piece.rows():
                files.add(rows.drop_columns(SLICE.name), rows[SLICE.name])
        files.flush()
        return lake.replace_files(TABLE, files.actions, windows), files.rows


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
