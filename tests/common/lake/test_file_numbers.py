"""Few rows are one file, many rows some."""

from __future__ import annotations

from pathlib import Path

from common.lake.file_numbers import files_for, in_files
from jobs.fg_a.job import run as run_fg_a
from tests.conftest import Stages, write_sessions
from tests.factories import session, sessions

WINDOW = "2026-03-10T13:08Z"


def test_files_follow_from_rows_and_columns(stages: Stages) -> None:
    """Four million rows of ten columns are forty million values, at five million a file."""
    pairs = stages.lake.table("pair_counts")
    assert len(pairs.columns) == 10
    assert [files_for(rows, pairs) for rows in (0, 1, 500_000, 500_001, 4_000_000)] == [1, 1, 1, 2, 8]


def test_a_frame_of_few_rows_comes_in_one_partition(stages: Stages, tmp_path: Path) -> None:
    rows = stages.session.range(1000).groupBy("id").count()
    frame = in_files(rows, 1000, stages.lake.table("pair_counts"))
    frame.write.format("delta").save(str(tmp_path / "rows"))
    assert len(list((tmp_path / "rows").glob("*.parquet"))) == 1
    assert frame.count() == 1000


def test_a_small_window_is_a_file_of_features(stages: Stages, tmp_path: Path) -> None:
    hosts = [session(src_ip=f"10.1.0.{number}") for number in range(40)]
    stages.delta(WINDOW, write_sessions(sessions(*hosts), tmp_path / "sessions.parquet"))
    stages.run_windows(run_fg_a, WINDOW)
    files = stages.lake.files("fg_a")
    assert (files.num_rows, sum(files["num_records"].to_pylist())) == (1, 40)
