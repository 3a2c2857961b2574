import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import call
from tests.common.detection.alerts.alerting_lake import PAIR, write_alerts
from tests.common.detection.model_lake import host
from tools.feedback.cli import main
from tools.report.cli import main as report


@pytest.fixture
def lake(tmp_path: Path) -> str:
    write_alerts(tmp_path, [(0, 3, PAIR), (2, 5, PAIR | {"peer_ip": "203.0.113.99"})])
    return str(tmp_path)


def cases(lake: str, *more: str) -> dict[str, Any]:
    code, text, error = call(report, "--lake", lake, "--cases", "--json", *more)
    assert code == 0, error
    found: dict[str, Any] = json.loads(text)
    return found


def change(lake: str, case: str, status: str, *more: str) -> tuple[dict[str, Any], str]:
    code, text, error = call(main, "--lake", lake, "--case", case, "--status", status, *more)
    assert code == 0, error
    found: dict[str, Any] = json.loads(text)
    return found, error


def test_what_is_expected_leaves_the_report_and_is_listed_at_its_end(lake: str) -> None:
    before = cases(lake)
    assert before["cases_found"] == 2 and before["hidden_found"] == 0
    first = next(case for case in before["cases"] if case["source"] == host(3))
    made, said = change(lake, first["case_id"], "expected", "--note", "backup", "--by", "ann")
    assert (made["peers"], made["scope"], made["changed_by"]) == (["203.0.113.9"], "pair", "ann")
    assert f"hides 1 case of the last 30 days: {first['case_id']} ({host(3)}, beacon)" in said
    after = cases(lake)
    assert [case["source"] for case in after["cases"]] == [host(5)]
    assert [(case["source"], case["note"], case["status"]) for case in after["hidden"]] == [
        (host(3), "backup", "expected")
    ]
    assert after["hidden"][0]["score"] == first["score"] and after["hidden"][0]["hidden_by"] == made["change_id"]
    text = call(report, "--lake", lake, "--cases")[1]
    assert "1 case, 1 hidden by triage" in text and "by ann: backup" in text
    assert [case["source"] for case in cases(lake, "--status", "expected")["cases"]] == [host(3)]


def test_a_true_case_stays_and_says_so(lake: str) -> None:
    first = cases(lake)["cases"][0]["case_id"]
    change(lake, first, "true", "--note", "confirmed", "--owner", "bob")
    assert cases(lake)["cases_found"] == 2
    assert "true  bob" in call(report, "--lake", lake, "--cases")[1]
    assert change(lake, first, "in-progress")[0]["owner"] == "bob"  # until somebody else takes it


def test_a_preview_writes_nothing(lake: str) -> None:
    first = cases(lake)["cases"][0]
    made, _ = change(lake, first["case_id"], "false", "--note", "noise", "--preview")
    assert (made["case_id"], made["technique"]) == (first["case_id"], "beacon")
    assert call(main, "--lake", lake)[1] == "" and cases(lake)["hidden_found"] == 0


def test_the_history_and_how_all_cases_stand_are_listed(lake: str) -> None:
    first, second = (case["case_id"] for case in cases(lake)["cases"])
    made = [change(lake, first, status, "--note", "x")[0] for status in ("false", "new")]
    other, _ = change(lake, second, "closed", "--note", "done")

    def listed(*more: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in call(main, "--lake", lake, *more)[1].splitlines()]

    assert listed("--case", first) == made
    assert sorted(row["change_id"] for row in listed()) == sorted([made[1]["change_id"], other["change_id"]])
    assert [case["case_id"] for case in cases(lake)["cases"]] == [first]


def test_an_unknown_case_is_an_error(lake: str) -> None:
    code, _, error = call(main, "--lake", lake, "--case", "nope", "--status", "true", "--note", "x")
    assert code == 1 and "have no case nope" in error
    assert call(main, "--lake", lake, "--case", "nope")[1] == ""


@pytest.mark.parametrize(
    "options",
    [
        ["--case", "a", "--status", "true"],
        ["--status", "new"],
        ["--case", "a", "--preview"],
        ["--case", "a", "--status", "maybe", "--note", "x"],
        ["--days", "0"],
    ],
)
def test_usage_errors_are_code_2(lake: str, options: list[str]) -> None:
    assert call(main, "--lake", lake, *options)[0] == 2


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--host", host(3)], 1),
        (["--peer", "203.0.113.99"], 1),
        (["--behaviour", "beacon"], 2),
        (["--behaviour", "scan"], 0),
        (["--host", host(3), "--peer", "203.0.113.99"], 0),
        (["--status", "new"], 2),
    ],
)
def test_cases_are_filtered(lake: str, options: list[str], found: int) -> None:
    assert cases(lake, *options)["cases_found"] == found
    assert call(report, "--lake", lake, *options)[0] == 2  # only with --cases


def test_the_report_says_it_in_words(lake: str) -> None:
    text = call(report, "--lake", lake, "--cases", "--top", "1")[1]
    assert "beacon (T1071 Application Layer Protocol)" in text
    assert "-> 203.0.113.99:443: 12 sessions in 24 h, 6 failed, 4 kB sent; new: peer; known to 0 other hosts" in text
    assert "its first case in a week" in text


def test_a_lake_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    code, _, error = call(main, "--lake", str(tmp_path / "lakee"))
    assert code == 1 and "lakee has no tables" in error


ALLOWED = """entries:
- name: c2-test
  reason: a test of the provider
  owner: ann
  expires: 2999-12-31
  peers: [203.0.113.0/28]
- {name: old, reason: "was a test", owner: bob, expires: 2020-01-01, ports: [443]}
"""


def allow(lake: str, path: Path, *more: str) -> tuple[list[dict[str, Any]], str]:
    code, text, error = call(main, "--lake", lake, "--allow-list", str(path), "--by", "ann", *more)
    assert code == 0, error
    return [json.loads(line) for line in text.splitlines()], error


def test_an_allow_list_is_previewed_and_then_hides_and_says_so(lake: str, tmp_path: Path) -> None:
    path = tmp_path / "allow.yaml"
    path.write_text(ALLOWED)
    first = next(case["case_id"] for case in cases(lake)["cases"] if case["source"] == host(3))
    rows, error = allow(lake, path, "--preview")
    assert [(row["name"], row["hides"], row["is_expired"]) for row in rows] == [
        ("c2-test", [first], False), ("old", [], True),
    ]  # fmt: skip
    assert "entry old of bob has expired on 2020-01-01" in error
    assert cases(lake)["hidden_found"] == 0 and not (Path(lake) / "allow_lists").exists()
    assert "the allow list with 2 rules is in place now" in allow(lake, path)[1]
    assert "was in place already" in allow(lake, path)[1]
    found = cases(lake)
    assert [(case["case_id"], case["hidden_by"], case["status"]) for case in found["hidden"]] == [
        (first, "allow-list:c2-test", "new")
    ]
    assert found["allow_list_expired"] == ["old"] and found["cases_found"] == 1
    text = call(report, "--lake", lake, "--cases")[1]
    assert "expected, until 3000-01-01, by ann: c2-test: a test of the provider" in text
    assert "entries of the allow list that have expired:" in text and "old, on 2020-01-01, of bob" in text


def test_what_an_entry_hides_already_is_no_news_of_a_mark(lake: str, tmp_path: Path) -> None:
    (tmp_path / "allow.yaml").write_text(ALLOWED)
    allow(lake, tmp_path / "allow.yaml")
    other = cases(lake)["cases"][0]["case_id"]
    _, said = change(lake, other, "expected", "--note", "x", "--scope", "behaviour")
    assert f"hides 1 case of the last 30 days: {other}" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not exist"),
        ("entries: [{name: a}]", "allow.yaml:1:11: entries[0].reason is missing"),
    ],
)
def test_a_wrong_allow_list_is_an_error(lake: str, tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "allow.yaml").write_text(text)
    code, _, error = call(main, "--lake", lake, "--allow-list", str(tmp_path / "allow.yaml"))
    assert code == 1 and words in error
    assert call(main, "--lake", lake, "--allow-list", "x", "--case", "a")[0] == 2
