"""Paths with unusual characters: every engine reads and writes what lies below their aliases."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from common.errors import InputError
from common.lake.lake import Lake
from common.runtime.engine import Engine
from common.storage.plain_paths import PLAIN, plain_path
from common.windows import Windows
from tests.conftest import ENGINE
from tests.factories import SPEC, pair_counts_row, pair_counts_table
from tests.folder_names import NAMES, REFUSED

WINDOW = Windows.parse("2026-03-10T13:08Z")


def test_plain_paths_and_uris_of_s3_stay_as_they_are() -> None:
    for path in ("/data/lake-1/a_b.c", "s3://bucket/some lake"):
        assert plain_path(path) == path


def test_an_alias_keeps_the_suffix_and_is_the_same_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a b.parquet"
    path.write_text("content")
    alias = plain_path(str(path))
    assert PLAIN.fullmatch(alias) and alias.endswith(".parquet")
    assert Path(alias).read_text() == "content"
    assert plain_path(str(path)) == alias


@pytest.mark.parametrize("name", NAMES)
def test_a_table_and_a_file_in_a_folder_of_any_name(session: SparkSession, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    lake = Lake(str(folder / "lake"), SPEC, Engine(ENGINE, session=session))
    frame = session.createDataFrame(pair_counts_table(SPEC, pair_counts_row(str(WINDOW), sessions_cnt=3)))
    assert lake.replace("pair_counts", frame, WINDOW) == (1, 1)
    assert lake.arrow("pair_counts", ["sessions_cnt"], WINDOW).to_pylist() == [{"sessions_cnt": 3}]
    pq.write_table(pa.table({"x": [1, 2]}), folder / "part.parquet")
    assert session.read.parquet(plain_path(str(folder / "part.parquet"))).count() == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {path.name for path in folder.iterdir()} == {"lake", "part.parquet"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_delta_cannot_read_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="Rename that folder"):
        Lake(str(tmp_path / name), SPEC)
