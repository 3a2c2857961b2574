import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from common.contracts import tables
from common.lake.lake import Lake
from common.windows import Windows
from jobs.inference.cli import main
from tests.common.detection.model_lake import HOSTS, RANGE, make_lake, rows, train_model, write
from tests.conftest import ENGINE
from tests.factories import SPEC

FIRST = next(iter(RANGE))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    train_model(lake)
    return lake


def details(lake: Path, window: Windows) -> dict[str, Any]:
    arguments = ["--window", str(window), "--lake", str(lake), "--engine", ENGINE, "--project-name", "local"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)["details"]
    return found


@pytest.mark.slow
def test_rows_like_those_of_training_ask_for_nothing(source: Path, tmp_path: Path) -> None:
    found = details(shutil.copytree(source, tmp_path / "lake"), RANGE)
    assert found["drift"]["rows"] == len(RANGE) * HOSTS
    assert found["drift"]["drifted"] is False
    assert found["retraining_requested"] is None


@pytest.mark.slow
def test_rows_that_have_moved_ask_for_a_model_as_of_their_end(source: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(source, tmp_path / "lake")
    for number, window in enumerate(RANGE):
        table = rows("fg_a", window, 2 * number)
        names = [column.name for column in tables(SPEC)["fg_a"].columns if column.type == "double"]
        moved = {name: pa.array([value + 9 for value in table[name].to_pylist()]) for name in names}
        for name, values in moved.items():
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
        write(lake, tables(SPEC)["fg_a"], table)
    found = details(lake, RANGE)
    assert found["drift"]["drifted"] is True
    assert found["drift"]["features_moved"] > 90
    assert found["retraining_requested"] == {
        "project_name": "local", "feature_spec_version": "v1", "reference_ts_iso": f"{RANGE.end:%Y-%m-%dT%H:%M:%SZ}"
    }  # fmt: skip


def test_one_window_of_few_hosts_is_not_enough_to_say(source: Path, tmp_path: Path) -> None:
    found = details(shutil.copytree(source, tmp_path / "lake"), FIRST)
    assert found["drift"]["rows"] == HOSTS
    assert found["drift"]["drifted"] is False


def drift_table(lake: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Lake(str(lake), SPEC).arrow("model_drift").sort_by("window").to_pylist()
    return found


@pytest.mark.slow
def test_each_window_has_its_drift_in_a_table_however_it_was_scored(source: Path, tmp_path: Path) -> None:
    whole, parts = (shutil.copytree(source, tmp_path / name) for name in ("whole", "parts"))
    report = details(whole, RANGE)["drift"]
    for window in (FIRST, RANGE, FIRST):  # a window that is scored again replaces its row
        details(parts, window)
    found = drift_table(whole)
    assert drift_table(parts) == found
    assert [row["window"] for row in found] == [window.key for window in RANGE]
    assert sum(row["rows_cnt"] for row in found) == report["rows"]
    assert {row["rows_cnt"] for row in found} == {HOSTS}
    assert {row["features_cnt"] for row in found} == {report["features"]}


def test_the_row_of_a_window_is_what_its_run_reports(source: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(source, tmp_path / "lake")
    report = details(lake, FIRST)["drift"]
    (row,) = drift_table(lake)
    assert row["score_psi"] == report["score_psi"] and row["score_psi_bound"] == report["score_psi_bound"]
    assert json.loads(row["moved_most"]) == report["moved_most"]
    assert (row["is_drifted"], row["moved_features_cnt"]) == (report["drifted"], report["features_moved"])
    assert (row["window_start_ts"], row["date"]) == (FIRST.start, "2026-03-10")
