"""`ndr-cost`: prices times what was measured, and nothing without a price."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from tests.checkout import ROOT
from tools.cost.cli import main

RATES: dict[str, Any] = {
    "currency": "EUR",
    "machines": {"small": 0.36, "large": 3.6, "worker": 0.72},
    "jobs": {
        "ndr-delta": {"machine": "small", "machines": 1, "start_seconds": 100},
        "ndr-fg-a": {"machine": "small", "machines": 2, "start_seconds": 100},
        "ndr-15m": {"machine": "large", "machines": 1, "start_seconds": 0},
        "ndr-ndjson-to-parquet": {"machine": "worker", "machines": 2, "start_seconds": 10},
    },
    "gigabyte_read": 0.5,
}
DELTA = {
    "stage": "ndr-delta",
    "rows_in": 2500,
    "bytes_in": 10**9,
    "details": {"records": {"kept": 2000}},
    "seconds": 200.0,
}
FEATURES = {"stage": "ndr-fg-a", "rows_in": 10, "details": {}, "seconds": 50.0}
LINES = {"stage": "ndr-ndjson-to-parquet", "rows_in": 4000, "bytes_in": 2 * 10**9, "details": {}, "seconds": 90.0}


def log(folder: Path, name: str, *reports: Any) -> None:
    """A log of a job, with events and a line that was cut off."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ['{"time": "2026-03-10T13:08Z", "event": "started"}', *map(json.dumps, reports), '{"stage": "x", "rows_in"']
    path.write_text("\n".join(lines))


def cost(folder: Path, rates: Any) -> Result:
    (folder / "rates.yaml").write_text(yaml.safe_dump(rates))
    arguments = ["--rates", str(folder / "rates.yaml"), "--reports", str(folder / "logs"), "--format", "json"]
    return CliRunner().invoke(main, arguments)


def test_forms_of_the_pipeline_and_sizes_of_batches_stand_side_by_side(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    log(logs, "stepwise/1/BuildDelta.log", DELTA)
    log(logs, "stepwise/1/BuildFeatures.log", FEATURES)
    log(logs, "fused/1/Build.log", DELTA, FEATURES)
    log(logs, "glue-200/a.log", LINES)
    log(logs, "glue-200/b.log", LINES)
    found = cost(tmp_path, RATES)
    assert found.exit_code == 0, found.output
    rows = {(row["variant"], row["command"]): row for row in json.loads(found.output)}
    # a second of the small machine costs 0.0001, of the large one 0.001, of a worker 0.0002
    assert rows["stepwise", "ndr-delta"]["cost"] == 0.53  # (100 + 200) * 0.0001 + 1 * 0.5
    assert rows["stepwise", "ndr-fg-a"]["cost"] == 0.03  # (100 + 50) * 2 * 0.0001
    assert rows["stepwise", "all"] == {
        "variant": "stepwise",
        "command": "all",
        "jobs": 2,
        "seconds": 250.0,
        "gigabytes": 1.0,
        "sessions": 2000,
        "cost": 0.56,
        "per_million_sessions": 280.0,  # 0.56 / 2000 * 10^6
        "currency": "EUR",
    }
    assert rows["fused", "ndr-15m"]["cost"] == 0.75  # 250 * 0.001 + 0.5
    assert rows["fused", "all"]["per_million_sessions"] == 375.0
    assert rows["glue-200", "all"]["cost"] == 2.08  # 2 * ((10 + 90) * 2 * 0.0002 + 2 * 0.5)
    assert rows["glue-200", "all"]["sessions"] == 8000


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"machines": {"small": None}}, "machines.small"),
        ({"jobs": {}}, "jobs.ndr-delta"),
        ({"jobs": {"ndr-delta": {"machine": "small"}}}, "jobs.ndr-delta.start_seconds"),
        ({"gigabyte_read": None}, "gigabyte_read"),
        ({"machines": {"small": -1.0}}, "machines.small"),
        ({"prices": 1}, "prices"),
    ],
)
def test_without_a_price_nothing_is_said(tmp_path: Path, changed: dict[str, Any], missing: str) -> None:
    log(tmp_path / "logs", "a.log", DELTA)
    found = cost(tmp_path, {**RATES, **changed})
    assert (found.exit_code, missing in found.output, found.stdout) == (1, True, ""), found.output


def test_the_example_has_no_prices(tmp_path: Path) -> None:
    log(tmp_path / "logs", "a.log", DELTA)
    found = cost(tmp_path, yaml.safe_load((ROOT / "tools/cost/rates.yaml").read_text()))
    assert "lacks jobs.ndr-delta.start_seconds, machines.ml.m5.xlarge, gigabyte_read" in found.output


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({**DELTA, "seconds": -1}, "has seconds -1"),
        ({**DELTA, "seconds": "1"}, "has seconds '1'"),
        ({**FEATURES}, "have no sessions"),
        ({**DELTA, "details": {"records": {"kept": 0}}}, "have no sessions"),
        ({"stage": 7}, "has a run report"),
    ],
)
def test_reports_that_cannot_be_right_are_refused(tmp_path: Path, report: Any, reason: str) -> None:
    log(tmp_path / "logs", "a.log", report)
    found = cost(tmp_path, RATES)
    assert (found.exit_code, reason in found.output) == (1, True), found.output


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path / 'logs'}" in cost(tmp_path, RATES).output
