import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import call
from tests.common.calendar.calendars import calendar_text
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tests.jobs.if_training.lakes import START, add_windows, span
from tools.calendar.cli import main
from tools.report.cli import main as report

DAYS = {"start": "2000-01-01T00:00Z", "end": "2000-12-31T00:00Z"}


def listed(lake: Path, *more: str) -> tuple[list[dict[str, Any]], str]:
    code, text, error = call(main, "--lake", str(lake), *more)
    assert code == 0, error
    return [json.loads(line) for line in text.splitlines()], error


def written(folder: Path, *entries: dict[str, Any]) -> str:
    path = folder / "calendar.yaml"
    path.write_text(calendar_text(*entries))
    return str(path)


@pytest.mark.slow
def test_each_entry_says_what_it_leaves_out_and_all_do_together(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    add_windows(lake, span(200), tables_of="a")  # from 10 March 00:08 to 12 March 02:08
    first = {"start": START.isoformat(), "end": "2026-03-10T00:38+00:00"}
    path = written(tmp_path, first | {"hosts": [host(0)]}, first | {"all_hosts": True}, DAYS | {"all_hosts": True})
    rows, said = listed(lake, "--put", path, "--preview")
    assert [(row["hosts_cnt"], row["days_cnt"], row["rows_cnt"]) for row in rows] == [
        (1, 2, 98),
        (8, 2, 784),
        (0, 0, 0),
    ]  # two windows, and the 96 that remember them, of one and of eight hosts
    assert "left out by the calendar: 8 hosts, 2 days, 784 of 1,600 rows" in said
    assert [row["state"] for row in rows] == ["over"] * 3 and rows[0]["about"] == [host(0)]
    assert not (lake / "calendars").exists() and listed(lake)[0] == []
    _, said = listed(lake, "--put", path)
    assert "the calendar with 3 periods is in place now" in said
    assert listed(lake)[0] == rows
    assert "was in place already" in listed(lake, "--put", path)[1]


def test_a_case_in_it_is_hidden_as_planned_and_its_score_stays(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write_alerts(lake, [(0, 3, PAIR), (2, 5, PAIR | {"peer_ip": "203.0.113.99"})])

    def cases() -> dict[str, Any]:
        code, text, error = call(report, "--lake", str(lake), "--cases", "--json")
        assert code == 0, error
        found: dict[str, Any] = json.loads(text)
        return found

    before = cases()
    planned = {"start": WHOLE[0].start.isoformat(), "end": WHOLE[0].end.isoformat(), "hosts": [host(3), host(5)]}
    rows, _ = listed(lake, "--put", written(tmp_path, planned | {"name": "pentest"}))
    after = cases()
    (hidden,) = after["hidden"]
    assert rows[0]["hides"] == [hidden["case_id"]] and hidden["source"] == host(3)  # that of host 5 is later
    assert hidden["hidden_by"] == "calendar:pentest"
    assert [case["source"] for case in after["cases"]] == [host(5)]
    assert {case["case_id"]: case["score"] for case in [*after["cases"], hidden]} == {
        case["case_id"]: case["score"] for case in before["cases"]
    }
    text = call(report, "--lake", str(lake), "--cases")[1]
    assert "1 case, 1 hidden by triage" in text and "by ann: planned, pentest: penetration test" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "calendar.yaml"),
        ("entries: [{}]", "entries[0].name is missing"),
        (calendar_text(DAYS | {"segments": ["x"]}), 'segments[0] is "x", which no segment of the project is'),
    ],
)
def test_a_wrong_calendar_is_an_error(tmp_path: Path, text: str | None, words: str) -> None:
    add_windows(tmp_path / "lake", span(1), tables_of="a")
    path = tmp_path / "calendar.yaml"
    if text:
        path.write_text(text)
    code, _, error = call(main, "--lake", str(tmp_path / "lake"), "--put", str(path))
    assert code == 1 and words in error and not (tmp_path / "lake" / "calendars").exists()


def test_a_preview_of_nothing_is_a_usage_error(tmp_path: Path) -> None:
    code, _, error = call(main, "--lake", str(tmp_path), "--preview")
    assert code == 2 and "--preview needs --put" in error
