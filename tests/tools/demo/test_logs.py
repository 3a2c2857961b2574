"""The simulated logs that demos share, and which logs may replace those of a lake."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import InputError
from common.windows import Windows
from tools.demo import logs
from tools.demo.logs import logs_digest, require_replaceable, simulated

WEEK = Windows.parse("2026-03-03T00:08Z/2026-03-10T00:08Z")
DAY = Windows.parse("2026-03-09T00:08Z/2026-03-10T00:08Z")


@pytest.mark.slow
def test_demos_side_by_side_simulate_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "HOSTS", 10)
    monkeypatch.setattr(logs, "DAYS", 1)
    scenario = tmp_path / "scenario"
    with ThreadPoolExecutor(2) as both:
        assert list(both.map(simulated, [scenario, scenario])) == [str(scenario)] * 2
    assert json.loads((scenario / "scenario.json").read_text())["days"] == 1
    said = capsys.readouterr().err
    assert said.count("simulating 1 days") == 1 and said.count("waiting for another ndr-demo") <= 1


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "_demo").mkdir()
    require_replaceable(tmp_path, "logs", WEEK)
    return tmp_path


def recorded(lake: Path) -> tuple[str, str]:
    content = json.loads((lake / "_demo" / "logs.json").read_text())
    return content["digest"], content["windows"]


def test_the_same_logs_may_be_used_in_part(lake: Path) -> None:
    require_replaceable(lake, "logs", DAY)
    assert recorded(lake) == ("logs", str(WEEK))


def test_other_logs_of_the_same_dates_replace_all_windows(lake: Path) -> None:
    require_replaceable(lake, "others", WEEK)
    assert recorded(lake) == ("others", str(WEEK))


def test_other_logs_of_fewer_dates_would_be_mixed(lake: Path) -> None:
    with pytest.raises(InputError, match=f"has windows {WEEK} of other logs, and these cover {DAY}.*LAKE="):
        require_replaceable(lake, "others", DAY)
    assert recorded(lake) == ("logs", str(WEEK))


def test_a_lake_that_the_demo_did_not_make_is_refused(tmp_path: Path) -> None:
    for folder in ("_demo", "delta_host"):
        (tmp_path / folder).mkdir()
    with pytest.raises(InputError, match="was not made by ndr-demo"):
        require_replaceable(tmp_path, "logs", WEEK)


def test_logs_are_the_same_while_files_and_time_zone_are(tmp_path: Path) -> None:
    paths = (str(tmp_path / "a.log"),)
    Path(paths[0]).write_text("one")
    before = logs_digest(paths, None)
    assert logs_digest(paths, None) == before != logs_digest(paths, "Europe/Berlin")
    Path(paths[0]).write_text("other")
    assert logs_digest(paths, None) != before
