"""Run reports as metrics in CloudWatch's embedded format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from common.runtime.metrics import VARIABLE, members, members_of_report
from common.runtime.run_report import RunReport

NOW = datetime(2026, 3, 10, 13, 53, tzinfo=UTC)
REPORT: dict[str, Any] = {
    "stage": "ndr-delta",
    "project_name": "acme",
    "window": "2026-03-10T13:08Z",
    "rows_in": 200,
    "rows_out": 190,
    "rows_rejected": 3,
    "seconds": 4.5,
    "details": {},
}


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "dev-ndr")


def test_a_report_is_a_line_of_metrics() -> None:
    found = members_of_report(REPORT, NOW)
    (directive,) = found["_aws"]["CloudWatchMetrics"]
    assert found["_aws"]["Timestamp"] == NOW.timestamp() * 1000
    assert directive["Namespace"] == "dev-ndr"
    assert directive["Dimensions"] == [["job", "project"], ["job"], []]
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "rows_in": "Count",
        "rows_out": "Count",
        "rows_rejected": "Count",
        "seconds": "Seconds",
        "rejected_ratio": "None",
        "lateness_seconds": "Seconds",
    }
    # the window ended at 13:23, half an hour ago
    figures = {name: found[name] for name in ("job", "project", "rejected_ratio", "lateness_seconds")}
    assert figures == {"job": "ndr-delta", "project": "acme", "rejected_ratio": 0.015, "lateness_seconds": 1800.0}


@pytest.mark.parametrize("window", [None, "2026-03-10T12:08Z/2026-03-10T13:08Z", "2026-03-09T13:08Z", "2026-03"])
def test_ranges_and_history_are_not_late(window: str | None) -> None:
    assert "lateness_seconds" not in members_of_report({**REPORT, "window": window}, NOW)


def test_alerts_and_the_drift_of_scores_are_metrics() -> None:
    details = {"alerts": 2, "drift": {"score_psi": 0.5, "score_psi_bound": 0.25}}
    found = members_of_report({**REPORT, "rows_in": 0, "details": details}, NOW)
    assert (found["alerts"], found["score_drift_ratio"], "rejected_ratio" in found) == (2, 2.0, False)


def test_without_a_namespace_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    assert members("ndr-delta", "acme", {"seconds": 1.0}) == {}
    assert "_aws" not in json.loads(RunReport("ndr-delta").to_json())


def test_a_report_without_a_project_is_there_by_job() -> None:
    found = json.loads(RunReport("ndr-ndjson-to-parquet", rows_in=2).to_json())
    assert found["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["job"], []]
    assert (found["job"], found["rows_in"], "project" in found) == ("ndr-ndjson-to-parquet", 2, False)
