"""The same work on each part of a run."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from common.runtime.engine import Engine
from common.runtime.parts import each_part
from tests.conftest import ENGINE


def squared(number: int) -> pa.Table:
    return pa.table({"squared": [number**2], "thread": [threading.get_ident()]})


@pytest.mark.parity
@pytest.mark.parametrize("parts", [[3], [5, 4, 3, 2, 1]])
def test_results_come_in_the_order_of_the_parts(session: SparkSession, parts: list[int]) -> None:
    found = list(each_part(Engine(ENGINE, session=session), squared, parts))
    assert [table["squared"].to_pylist() for table in found] == [[part**2] for part in parts]


def text_of(path: str) -> str:
    return Path(path).read_text()


@pytest.mark.parity
def test_relative_paths_are_those_of_the_command(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("one line")
    monkeypatch.chdir(tmp_path)
    assert list(each_part(Engine(ENGINE, session=session), text_of, ["a.csv"])) == ["one line"]


def test_one_part_needs_neither_an_engine_nor_a_thread() -> None:
    (found,) = each_part(Engine("sail"), squared, [3])
    assert found["thread"].to_pylist() == [threading.get_ident()]


def test_a_failure_of_a_part_is_that_of_all() -> None:
    def fails(number: int) -> pa.Table:
        if number == 2:
            raise ValueError("part 2")
        return squared(number)

    with pytest.raises(ValueError, match="part 2"):
        list(each_part(Engine("sail"), fails, [1, 2, 3]))
