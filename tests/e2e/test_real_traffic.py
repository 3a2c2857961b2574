"""On real traffic: two days of the labelled scenario, where its tools and traces lie beside the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.logs import ReadOptions, find_logs, read_files
from common.windows import Windows
from jobs.fg_a.job import run as run_fg_a
from jobs.pair_counts.job import run as run_pair_counts
from tests import oracle
from tests.conftest import Stages
from tests.factories import SPEC
from tests.oracle.compare import assert_tables_equal

SHARED = Path(os.environ.get("NDR_SCENARIO_SOURCE", Path(__file__).resolve().parents[3] / "shared"))
WHOLE = "2024-03-05T00:08Z/2024-03-07T00:08Z"
SAMPLE = "2024-03-06T08:08Z/2024-03-06T08:53Z"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parity,
    pytest.mark.skipif(not (SHARED / "data" / "dev").is_dir(), reason=f"no scenario source at {SHARED}"),
]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of six user hosts and two devices, with the attacks that fit."""
    folder = tmp_path_factory.mktemp("real")
    recipe = (SHARED / "data" / "dev" / "dev.toml").read_text()
    recipe = (
        recipe.replace("days = 8", "days = 2")
        .replace("count = 48", "count = 12")
        .replace("count = 12\nsub", "count = 9\nsub")
    )
    recipe = re.sub(r'"users-(\d+)"', lambda found: f'"users-{int(found[1]) % 9:02d}"', recipe)
    recipe = re.sub(r'"iot-(\d+)"', lambda found: f'"iot-{int(found[1]) % 9:02d}"', recipe)
    (folder / "small.toml").write_text(recipe)
    tool = [sys.executable, str(SHARED / "tools" / "make_scenario.py"), str(folder / "small.toml")]
    subprocess.run(
        [*tool, "--traces", str(SHARED / "data" / "dev" / "traces"), "--out", str(folder / "out")],
        check=True,
        capture_output=True,
    )
    return folder / "out"


@pytest.fixture(scope="module")
def stages(session: SparkSession, scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    built = Stages(session, tmp_path_factory.mktemp("real-lake") / "lake")
    report = built.delta(WHOLE, str(scenario / "fw_paloalto"))
    assert report.details["records"]["rejected"] == 0
    built.run_windows(run_pair_counts, WHOLE)
    built.run_windows(run_fg_a, SAMPLE)
    return built


@pytest.fixture(scope="module")
def database(scenario: Path) -> duckdb.DuckDBPyConnection:
    files = find_logs([str(scenario / "fw_paloalto")], ReadOptions())
    sessions = pa.Table.from_batches([batch.sessions for batch in read_files(files.paths, ReadOptions())])
    return oracle.prepare(sessions, SPEC, ProjectParameters(), None)


@pytest.mark.parametrize("table", ["delta_host", "delta_pair", "pair_counts"])
def test_slices_equal_the_oracle(stages: Stages, database: duckdb.DuckDBPyConnection, table: str) -> None:
    expected: pa.Table = getattr(oracle, table)(database)
    assert_tables_equal(stages.lake.arrow(table), expected, stages.lake.table(table).key)


def test_features_equal_the_oracle(stages: Stages, database: duckdb.DuckDBPyConnection) -> None:
    windows = Windows.parse(SAMPLE)
    found = stages.lake.arrow("fg_a", windows=windows)
    assert found.num_rows > 20
    assert_tables_equal(found, oracle.fg_a(database, windows), ("host_ip", "window_end_ts"))
