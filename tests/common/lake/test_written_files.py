"""Files that were written without an engine are removed if no commit has them, and never if one has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from common.errors import CommitError
from common.lake.lake import Lake
from common.lake.table_files import TableFiles
from common.lake.window_files import window_files
from common.windows import Windows
from tests.factories import SPEC, table_row

WINDOW = Windows.parse("2026-03-10T13:08Z")
TABLES = {"by window": "pair_counts", "by date": "fg_a"}


def rows(lake: Lake, name: str) -> pa.Table:
    table = lake.table(name)
    return pa.Table.from_pylist([table_row(table, WINDOW)], schema=table.arrow)


def written(lake: Lake, name: str) -> TableFiles:
    files, table = TableFiles(lake.location(name), lake.table(name)), lake.table(name)
    values = {"date": f"{WINDOW.start:%Y-%m-%d}", "window": WINDOW.key}
    files.write(rows(lake, name), {part: values[part] for part in table.partitions})
    return files


@contextmanager
def answer_of_first_commit(error: DeltaError, *, is_done: bool) -> Iterator[None]:
    """The first commit fails with the error, after it was done or before; later ones are as ever."""
    commit, asked = DeltaTable.create_write_transaction, []

    def failing(table: DeltaTable, *arguments: object, **options: object) -> None:
        asked.append(table)
        if is_done or len(asked) > 1:
            commit(table, *arguments, **options)
        if len(asked) == 1:
            raise error

    with patch.object(DeltaTable, "create_write_transaction", failing):
        yield


def stored(lake: Lake, name: str) -> list[Path]:
    return list(Path(lake.location(name)).rglob("*.parquet"))


@pytest.mark.parametrize("name", TABLES.values(), ids=TABLES)
def test_a_commit_whose_answer_is_lost_and_found_keeps_its_files(tmp_path: Path, name: str) -> None:
    lake = Lake(str(tmp_path), SPEC)
    files = written(lake, name)
    with answer_of_first_commit(CommitFailedError("Failed to commit transaction: 0"), is_done=True):
        assert lake.replace_files(name, files.actions, WINDOW) == 1
    assert len(lake.arrow(name)) == len(stored(lake, name)) == 1


@pytest.mark.parametrize("name", TABLES.values(), ids=TABLES)
def test_a_commit_that_fails_after_it_was_done_keeps_its_files(tmp_path: Path, name: str) -> None:
    lake = Lake(str(tmp_path), SPEC)
    files = written(lake, name)
    with (
        answer_of_first_commit(DeltaError("connection closed"), is_done=True),
        pytest.raises(CommitError, match="connection closed"),
    ):
        lake.replace_files(name, files.actions, WINDOW)
    assert len(lake.arrow(name)) == len(stored(lake, name)) == 1


@pytest.mark.parametrize("name", TABLES.values(), ids=TABLES)
def test_a_commit_that_fails_leaves_no_file(tmp_path: Path, name: str) -> None:
    lake = Lake(str(tmp_path), SPEC)
    files = written(lake, name)
    with (
        answer_of_first_commit(DeltaError("connection closed"), is_done=False),
        pytest.raises(CommitError, match="connection closed"),
    ):
        lake.replace_files(name, files.actions, WINDOW)
    assert not stored(lake, name)


def test_a_run_that_ends_after_its_commit_keeps_the_rows(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    with pytest.raises(KeyboardInterrupt), window_files(lake, "pair_counts", WINDOW) as files:
        files.add(rows(lake, "pair_counts"))
        files.flush()
        lake.replace_files("pair_counts", files.actions, WINDOW)
        raise KeyboardInterrupt
    assert len(lake.arrow("pair_counts")) == 1


def test_a_run_that_ends_before_its_commit_leaves_no_file(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    with pytest.raises(KeyboardInterrupt), window_files(lake, "pair_counts", WINDOW) as files:
        files.add(rows(lake, "pair_counts"))
        files.flush()
        assert stored(lake, "pair_counts")
        raise KeyboardInterrupt
    assert not stored(lake, "pair_counts")
