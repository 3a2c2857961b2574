import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from common.detection.alerts.cases import find_cases
from common.detection.alerts.triage import read_changes
from common.lake.lake import Lake
from common.privacy.audit import TABLE
from tests.commands import call
from tests.common.detection.model_lake import host
from tests.factories import SPEC
from tests.tools.page.hostile import related_lake
from tests.tools.page.serving import serving
from tools.page.cli import main

Answer = tuple[int, dict[str, Any] | str]


def ask(address: str, method: str = "GET", path: str = "", body: Any = None, **headers: str | None) -> Answer:
    """The answer to a request as the page itself makes it, with other headers where they are given."""
    parts = urlsplit(address)
    sent: dict[str, str | None] = {"Host": parts.netloc}
    if method == "POST":
        sent |= {"Origin": f"http://{parts.netloc}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = HTTPConnection(parts.netloc, timeout=30)
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    try:
        connection.putrequest(method, path or parts.path, skip_host=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if text is not None:
            connection.putheader("Content-Length", str(len(text.encode())))
        connection.endheaders(text.encode() if text is not None else None)
        answer = connection.getresponse()
        content = answer.read().decode()
        return answer.status, json.loads(content) if answer.getheader("Content-Type") == "application/json" else content
    finally:
        connection.close()


def test_only_who_has_the_address_opens_the_page(tmp_path: Path) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, _):
        status, page = ask(address)
        assert status == 200 and "data-live" in page and "connect-src 'self'" in page
        for path in ("/", "/wrong/", "/triage", urlsplit(address).path[:-1] + "x/", urlsplit(address).path + "other"):
            assert ask(address, path=path) == (404, "")
        for headers in ({"Host": "evil.example"}, {"Host": None}, {"Origin": "https://evil.example"}):
            assert ask(address, **headers)[0] in (400, 404)


def test_verdicts_are_taken_from_the_page_alone(tmp_path: Path) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        case = next(one for one in find_cases(lake, SPEC, None) if one.source == host(3))
        path = urlsplit(address).path
        asked = {"case_id": case.case_id, "status": "expected", "note": "a test", "seen": None}
        for headers in (
            {"Origin": None}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"},
            {"Content_Type": "text/plain"}, {"Content_Type": "application/x-www-form-urlencoded"},
        ):  # fmt: skip
            assert ask(address, "POST", path + "triage", asked, **headers)[0] in (400, 404)
        assert ask(address, "POST", "/wrong/triage", asked)[0] == 404
        assert read_changes(lake) == []
        status, found = ask(address, "POST", path + "preview", asked)
        assert (
            status == 200 and isinstance(found, dict) and [one["case_id"] for one in found["hidden"]] == [case.case_id]
        )
        assert read_changes(lake) == []
        status, found = ask(address, "POST", path + "triage", asked)
        assert status == 200 and isinstance(found, dict)
        (change,) = read_changes(lake)
        assert (change.change_id, change.changed_by, change.note) == (found["change_id"], "ann", "a test")
        assert "1 case, 1 hidden by triage" in ask(address)[1]


def test_the_second_of_two_tabs_is_told(tmp_path: Path) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        case, path = find_cases(lake, SPEC, None)[0].case_id, urlsplit(address).path
        asked = {"case_id": case, "status": "in-progress", "seen": None}
        assert ask(address, "POST", path + "triage", asked)[0] == 200
        status, found = ask(address, "POST", path + "triage", asked | {"status": "false", "note": "x"})
        assert status == 409 and isinstance(found, dict) and "ann has marked case" in found["error"]
        seen = read_changes(lake)[-1].change_id
        assert ask(address, "POST", path + "triage", asked | {"status": "false", "note": "x", "seen": seen})[0] == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "differs",
    [
        {"status": "maybe"}, {"status": None}, {"scope": "world"}, {"days": 0}, {"days": "9"}, {"days": 99999},
        {"note": " "}, {"case_id": "nope"}, {"case_id": ["x"]},
    ],
)  # fmt: skip
def test_what_is_not_valid_changes_nothing(tmp_path: Path, differs: dict[str, Any]) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        case = find_cases(lake, SPEC, None)[0].case_id
        asked = {"case_id": case, "status": "false", "note": "x", "seen": None} | differs
        assert ask(address, "POST", urlsplit(address).path + "triage", asked)[0] == 409
        assert read_changes(lake) == []


@pytest.mark.slow
@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "x" * 70_000])
def test_what_is_no_request_is_refused(tmp_path: Path, body: str) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        assert ask(address, "POST", urlsplit(address).path + "triage", body)[0] == 400
        assert read_changes(lake) == []


def test_usage(tmp_path: Path) -> None:
    related_lake(tmp_path / "lake")
    lake = ("--lake", str(tmp_path / "lake"))
    assert call(main, *lake)[0] == 2
    assert call(main, *lake, "--serve", "--out", "x")[0] == 2
    with serving(tmp_path / "lake") as (address, _):
        code, _, error = call(main, *lake, "--serve", "--port", str(urlsplit(address).port))
    assert code == 1 and "of this machine cannot be used" in error


def opened_cases(lake: Lake) -> list[tuple[str, str, str | None]]:
    if not lake.exists(TABLE):
        return []
    rows = lake.arrow(TABLE, ["logged_ts", "logged_by", "action", "subject"]).sort_by("logged_ts").to_pylist()
    return [(row["logged_by"], row["action"], row["subject"]) for row in rows]


def test_who_opens_a_case_is_logged(tmp_path: Path) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        assert ask(address)[0] == 200 and opened_cases(lake) == []
        path, cases = urlsplit(address).path, [case.case_id for case in find_cases(lake, SPEC, None)]
        for case in (*cases, cases[0]):
            assert ask(address, "POST", path + "opened", {"case_id": case}) == (200, {})
        assert opened_cases(lake) == [("ann", "open-case", case) for case in (*cases, cases[0])]


@pytest.mark.slow
@pytest.mark.parametrize("case", [None, 7, ["x"], "", "nope", "1f0c77a90b2d\n", "1F0C77A90B2D", "x" * 5_000])
def test_only_ids_of_cases_are_logged(tmp_path: Path, case: Any) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        status, found = ask(address, "POST", urlsplit(address).path + "opened", {"case_id": case})
        assert status == 409 and isinstance(found, dict) and "is no id of a case" in found["error"]
        assert opened_cases(lake) == []


def test_other_sites_log_nothing(tmp_path: Path) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, lake):
        path, asked = urlsplit(address).path + "opened", {"case_id": "1f0c77a90b2d"}
        assert ask(address, "POST", "/wrong/opened", asked)[0] == 404
        assert ask(address, "POST", path, asked, Origin="https://evil.example")[0] == 404
        assert opened_cases(lake) == []


@pytest.mark.slow
def test_many_at_once_are_all_logged(tmp_path: Path) -> None:
    ids = [f"{number:012x}" for number in range(12)]
    with serving(related_lake(tmp_path / "lake")) as (address, lake), ThreadPoolExecutor(6) as pool:
        path = urlsplit(address).path + "opened"
        asked = [pool.submit(ask, address, "POST", path, {"case_id": one}) for one in ids]
        assert [one.result()[0] for one in asked] == [200] * len(ids)
        assert sorted(subject or "" for _, _, subject in opened_cases(lake)) == ids


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(related_lake(tmp_path / "lake")) as (address, _):
        (tmp_path / "lake" / TABLE).write_text("in the way")
        status, found = ask(address, "POST", urlsplit(address).path + "opened", {"case_id": "1f0c77a90b2d"})
        assert status == 409 and isinstance(found, dict) and TABLE in found["error"]
    assert "could not be logged" in capsys.readouterr().err
