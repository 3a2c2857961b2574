"""Why a table cannot be written: the cause in a worker of the engine is shown, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame

from common.contracts.types import Table
from common.errors import CommitError, TableError
from common.features.spec import load_spec
from common.windows import Windows
from tests.conftest import Stages
from tests.factories import SPEC, pair_counts_row, pair_counts_table

WINDOW = Windows.parse("2026-03-10T13:08Z")
Rows = Iterable[pa.RecordBatch]


def defect(batches: Rows) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        load_spec(batch)
        yield batch


def refusal(batches: Rows) -> Iterator[pa.RecordBatch]:
    for _ in batches:
        raise TableError("table fg_b/host in /lake has no rows", "Run ndr-fg-b first")
    return iter(())


def full_disk(batches: Rows) -> Iterator[pa.RecordBatch]:
    for _ in batches:
        raise OSError(28, "No space left on device")
    return iter(())


def frame(stages: Stages, table: Table, work: Any) -> DataFrame:
    rows = stages.session.createDataFrame(pair_counts_table(SPEC, pair_counts_row(str(WINDOW))))
    return rows.mapInArrow(work, table.ddl)


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (defect, ["test_troubles.py, line ", "TypeError: ", "Report this defect"]),
        (refusal, ["table fg_b/host in /lake has no rows", "Run ndr-fg-b first"]),
        (full_disk, ["is full", "Free some space"]),
    ],
)
def test_the_cause_in_a_worker(stages: Stages, work: Any, words: list[str]) -> None:
    table = stages.lake.table("pair_counts")
    with pytest.raises(CommitError) as caught:
        stages.lake.replace("pair_counts", frame(stages, table, work), WINDOW)
    text = str(caught.value)
    assert not [word for word in (*words, "Nothing was committed") if word not in text], text
    assert ("space" in text) == (work is full_disk)
