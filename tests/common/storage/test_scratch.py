"""Temporary folders of a run."""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import gettempdir

import pytest

from common.errors import StorageError
from common.storage.scratch import (
    left_by_the_dead,
    scratch_folder,
    scratch_of_parts,
    shared_scratch,
    tables_being_written,
    writing,
)

TWO_DAYS = 2 * 24 * 60 * 60


def test_the_folder_of_a_local_lake_lies_below_it_and_is_removed(tmp_path: Path) -> None:
    with scratch_folder(str(tmp_path)) as folder:
        (folder / "part").write_text("x")
        assert folder.is_relative_to(tmp_path)
    assert not folder.exists()


def test_the_folder_of_a_lake_in_s3_lies_where_temporary_files_go() -> None:
    with scratch_folder("s3://lake/acme") as folder:
        assert folder.is_dir() and folder.is_relative_to(gettempdir())
    assert not folder.exists()


def test_the_shared_folder_of_a_local_lake_lies_below_it(tmp_path: Path) -> None:
    with shared_scratch(str(tmp_path / "lake"), "sail") as location:
        assert Path(location).is_relative_to(tmp_path / "lake")
    assert not Path(location).exists()


@pytest.mark.parametrize("is_cluster", [False, True])
def test_parts_share_a_folder_below_a_local_lake(tmp_path: Path, is_cluster: bool) -> None:
    with scratch_of_parts(str(tmp_path / "lake"), is_cluster) as location:
        assert Path(location).is_dir() and Path(location).is_relative_to(tmp_path / "lake")
    assert not Path(location).exists()


def test_parts_on_one_machine_share_a_folder_of_it() -> None:
    with scratch_of_parts("s3://lake/acme", is_cluster=False) as location:
        assert Path(location).is_relative_to(gettempdir())


def test_a_run_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), scratch_folder(str(tmp_path)) as folder:
        raise ValueError("stop")
    assert not folder.exists()


def test_runs_at_the_same_time_have_folders_of_their_own(tmp_path: Path) -> None:
    with scratch_folder(str(tmp_path)) as one, scratch_folder(str(tmp_path)) as other:
        assert one != other


def test_a_writer_is_known_while_it_writes(tmp_path: Path) -> None:
    with writing(str(tmp_path), "fg_a"):
        assert tables_being_written(str(tmp_path)) == {"fg_a"}
    assert tables_being_written(str(tmp_path)) == set()


def test_folders_of_earlier_releases_are_removed_after_a_day(tmp_path: Path) -> None:
    names = ("_scratch/0510a6ef", "_staging-77aa")
    for name in (*names, "_scratch/young", "fg_a"):
        (tmp_path / name).mkdir(parents=True)
    for name in (*names, "fg_a"):
        os.utime(tmp_path / name, (time.time() - TWO_DAYS,) * 2)
    with left_by_the_dead(str(tmp_path)) as places:
        assert places == []
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {"_scratch", "_scratch/young", "fg_a"}


def test_a_container_without_a_temporary_folder_can_use_a_local_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise StorageError("there is no temporary folder", "Set TMPDIR")

    monkeypatch.setattr("common.storage.scratch.temporary_base", none)
    with left_by_the_dead(str(tmp_path)) as places:
        assert places == []
