import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import call
from tests.common.detection.alerts.test_incidents import PAIR, write_alerts
from tests.common.detection.model_lake import host
from tools.feedback.cli import main
from tools.report.cli import main as report


@pytest.fixture
def lake(tmp_path: Path) -> str:
    write_alerts(tmp_path, [(0, 3, PAIR), (2, 5, PAIR | {"peer_ip": "203.0.113.99"})])
    return str(tmp_path)


def incidents(lake: str) -> dict[str, Any]:
    code, text, error = call(report, "--lake", lake, "--incidents", "--json")
    assert code == 0, error
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_marked_incident_leaves_the_report_and_is_listed_as_suppressed(lake: str) -> None:
    before = incidents(lake)
    assert before["incidents_found"] == 2 and before["suppressed_found"] == 0
    first = next(entry for entry in before["incidents"] if entry["host_ip"] == host(3))
    options = ("--incident", first["incident_id"], "--verdict", "expected", "--reason", "backup")
    code, text, error = call(main, "--lake", lake, *options)
    assert code == 0, error
    assert json.loads(text)["peer"] == "203.0.113.9"
    after = incidents(lake)
    assert [entry["host_ip"] for entry in after["incidents"]] == [host(5)]
    assert [(entry["host_ip"], entry["why"]) for entry in after["suppressed"]] == [(host(3), "backup")]
    assert after["suppressed"][0]["score"] == first["score"]
    text = call(report, "--lake", lake, "--incidents")[1]
    assert "1 incident, 1 suppressed by feedback" in text and "(expected, until " in text


def test_a_true_verdict_is_shown_and_suppresses_nothing(lake: str) -> None:
    first = incidents(lake)["incidents"][0]["incident_id"]
    call(main, "--lake", lake, "--incident", first, "--verdict", "true", "--reason", "confirmed")
    assert incidents(lake)["incidents_found"] == 2
    assert "marked true" in call(report, "--lake", lake, "--incidents")[1]


def test_marks_are_listed_and_removed(lake: str) -> None:
    first = incidents(lake)["incidents"][0]["incident_id"]
    made = call(main, "--lake", lake, "--incident", first, "--verdict", "false", "--reason", "noise")[1]
    assert call(main, "--lake", lake)[1] == made
    mark = json.loads(made)["mark_id"]
    assert call(main, "--lake", lake, "--remove", mark)[1] == made
    assert call(main, "--lake", lake)[1] == ""
    assert incidents(lake)["suppressed_found"] == 0


def test_unknown_incidents_and_marks_are_errors(lake: str) -> None:
    code, _, error = call(main, "--lake", lake, "--incident", "nope", "--verdict", "true", "--reason", "x")
    assert code == 1 and "have no incident nope" in error
    code, _, error = call(main, "--lake", lake, "--remove", "nope")
    assert code == 1 and "mark nope does not exist" in error


@pytest.mark.parametrize(
    "options",
    [
        ["--incident", "a"],
        ["--incident", "a", "--verdict", "true"],
        ["--verdict", "true"],
        ["--incident", "a", "--verdict", "true", "--reason", "x", "--remove", "b"],
        ["--incident", "a", "--verdict", "maybe", "--reason", "x"],
        ["--days", "0"],
    ],
)
def test_usage_errors_are_code_2(lake: str, options: list[str]) -> None:
    assert call(main, "--lake", lake, *options)[0] == 2


def test_the_report_says_it_in_words(lake: str) -> None:
    text = call(report, "--lake", lake, "--incidents", "--top", "1")[1]
    assert "beacon (T1071 Application Layer Protocol)" in text
    assert (
        "-> 203.0.113.99:443 (outside): 12 sessions in 24 h, 6 failed, 4 kB; new: peer; seen by 0 other hosts" in text
    )
    assert "the host's first incident" in text


def test_a_lake_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    code, _, error = call(main, "--lake", str(tmp_path / "lakee"))
    assert code == 1 and "lakee has no tables" in error
