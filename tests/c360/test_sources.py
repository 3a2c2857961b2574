"""What becomes of each delivered file and row: the simulator says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from common.c360.partitions import partition_days, read_partition
from common.storage.files import Folder
from tests.c360.chain import Chain, rejected_files, rejected_rows
from tests.c360.conftest import CONFIG, DAYS
from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.files import content_of, sorted_name
from tools.c360_simulate.job import all_deliveries

DATASETS = ("customers", "plans", "activity_logs")
Values = dict[tuple[str, int], dict[str, Any]]
"""The values of rows by their file and line."""


def expected(scenario: Path, of_files: bool) -> set[tuple[str, str, int | None, str | None]]:
    rejected = map(json.loads, (scenario / "truth" / "rejected.ndjson").open())
    return {
        (row["dataset"], row["file"], row["line"], row["column"])
        for row in rejected
        if (row["line"] is None) == of_files
    }


def meant(dataset: str) -> Values:
    """The rows that must arrive in `clean`, as the simulator meant them."""
    found: Values = {}
    for delivery in all_deliveries(SimulateConfig(out=Path("none"), **CONFIG)):
        if delivery.dataset == dataset and not delivery.fault:
            name, first = sorted_name(delivery, content_of(delivery)), 2 if dataset == "plans" else 1
            rows = enumerate(delivery.rows, start=first)
            found |= {(name, line): dict(row.values) for line, row in rows if not row.fault}
    return found


def cleaned_rows(chain: Chain, dataset: str) -> Values:
    """The rows in `clean`."""
    clean = Folder(str(chain.zones / "clean"))
    days = partition_days(clean, dataset)
    names = [name for day in days if (found := read_partition(clean, dataset, day)) for name in found.names]
    rows = ds.dataset([str(chain.zones / "clean" / name) for name in names]).to_table().to_pylist()
    return dict(_keyed(rows))


def _keyed(rows: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, int], dict[str, Any]]]:
    for row in rows:
        key = row.pop("source_file"), row.pop("source_line")
        if row.get("payload") is not None:
            row["payload"] = json.loads(row["payload"])
        yield key, {name: value for name, value in row.items() if name not in ("file_time", "row_hash")}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_rejected_if_and_only_if_it_is_none_of_its_dataset(scenario: Path, sorted_files: Chain) -> None:
    delivered = [path for path in scenario.rglob("raw/**/*") if path.is_file()]
    archived = [path for path in (sorted_files.zones / "archive").rglob("*") if path.is_file()]
    rejected = {f"{dataset}/{file}" for dataset, file, *_ in expected(scenario, of_files=True)}
    assert rejected_files(sorted_files) == rejected
    assert len(archived) == len(delivered) - len(rejected) - 1  # one came twice
    assert not [path for path in (sorted_files.zones / "raw").rglob("*") if path.is_file()]


def test_archived_files_keep_the_time_of_their_delivery(scenario: Path, sorted_files: Chain) -> None:
    whole = scenario / "day=2026-03-04/raw/customers/customers_20260303.ndjson"  # a day late
    (archived,) = (sorted_files.zones / "archive/customers/2026-03-03").iterdir()
    assert archived.stat().st_mtime_ns == whole.stat().st_mtime_ns and archived.read_bytes() == whole.read_bytes()


def test_a_row_is_rejected_if_and_only_if_it_is_faulty(scenario: Path, cleaned: Chain) -> None:
    assert rejected_rows(cleaned) == expected(scenario, of_files=False)


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_other_row_has_the_values_that_the_source_meant(cleaned: Chain, dataset: str) -> None:
    found, true = cleaned_rows(cleaned, dataset), meant(dataset)
    assert found.keys() == true.keys()
    assert [key for key, values in true.items() if found[key] != values] == []


def test_what_is_cleaned_again_is_not_changed(cleaned: Chain) -> None:
    before = contents(cleaned.zones / "clean")
    cleaned.clean(f"{DAYS[1]}")
    assert contents(cleaned.zones / "clean") == before
