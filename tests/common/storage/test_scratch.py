"""Temporary folders of a run."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

import pytest

from common.storage.scratch import scratch_folder


def test_the_folder_of_a_local_lake_lies_below_it_and_is_removed(tmp_path: Path) -> None:
    with scratch_folder(str(tmp_path)) as folder:
        (folder / "part").write_text("x")
        assert folder.is_relative_to(tmp_path)
    assert not folder.exists()


def test_the_folder_of_a_lake_in_s3_lies_where_temporary_files_go() -> None:
    with scratch_folder("s3://lake/acme") as folder:
        assert folder.is_dir() and folder.is_relative_to(gettempdir())
    assert not folder.exists()


def test_a_run_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), scratch_folder(str(tmp_path)) as folder:
        raise ValueError("stop")
    assert not folder.exists()


def test_runs_at_the_same_time_have_folders_of_their_own(tmp_path: Path) -> None:
    with scratch_folder(str(tmp_path)) as one, scratch_folder(str(tmp_path)) as other:
        assert one != other
