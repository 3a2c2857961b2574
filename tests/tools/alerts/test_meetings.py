"""Meetings with indicators that no case is about: each is told once, and closed when it is over."""

from datetime import timedelta
from pathlib import Path

import pytest

from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.tools.alerts.handing import found
from tests.tools.page.findings import BAD, QUIET, findings_lake
from tools.indicators.cli import main as indicators

BEFORE = Windows(WHOLE[0].start - timedelta(days=3), WHOLE[0].start - timedelta(days=3) + WINDOW)
OLD = "198.51.100.7"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Host 7, which does not alert, met what feodo lists."""
    return findings_lake(tmp_path / "lake")


def told(lake: Path, *options: str) -> list[tuple[str, str, str]]:
    """Action, host and words of the messages about meetings that a channel has not had."""
    entries = found(str(lake), "--channel", "soc", *options)
    about = [(one["activity_name"], one["finding_info"]) for one in entries]
    return [(action, one["title"].partition(":")[0], one["desc"]) for action, one in about if one["uid"][:4] == "met-"]


def change(lake: Path, *options: str) -> None:
    code, _, error = call(indicators, *options[:1], "--lake", str(lake), *options[1:])
    assert code == 0, error


def met(lake: Path, table: str, window: Windows, peer: str, **times: object) -> None:
    given = {"host_ip": QUIET, "role": "outbound", "peer_ip": peer, "peer_port": 443, "sessions_cnt": 2, **times}
    write_table(lake, table, [table_row(Lake(str(lake), SPEC).table(table), window, **given)], mode="append")


def test_a_channel_hears_of_a_meeting_once_with_source_and_date(lake: Path) -> None:
    ((action, who, words),) = told(lake)
    assert (action, who) == ("Create", QUIET)
    assert f"{QUIET} met {BAD} on port 443, and no case is about it. {BAD} is in feodo since 2026-02-01" in words
    assert told(lake) == []
    met(lake, "delta_pair", WHOLE[1], BAD, first_ts=WHOLE[1].start, last_ts=WHOLE[1].start, protocol="tcp")
    assert told(lake) == []  # it goes on


@pytest.mark.slow
@pytest.mark.parametrize("how", ["expire", "remove"])
def test_it_is_closed_when_the_indicator_ends_and_open_again_with_it(lake: Path, how: str) -> None:
    assert len(told(lake)) == 1
    change(lake, how, "--address", BAD, "--note", "taken down")
    assert told(lake) == [("Close", QUIET, f"The indicator that {QUIET} met has ended")] and told(lake) == []
    assert told(lake, "--channel", "late") == []  # over before it heard of it
    change(lake, "import", "--restore", str(lake.parent / "feodo.csv"))
    assert [action for action, _, _ in told(lake)] == ["Update"]


@pytest.mark.slow
def test_it_is_closed_when_a_case_is_about_it(lake: Path) -> None:
    assert len(told(lake)) == 1
    write_alerts(lake, [(0, 7, PAIR)])
    ((action, who, words),) = told(lake)
    assert (action, who) == ("Close", QUIET) and words.startswith(f"What {QUIET} met is in case ")
    assert told(lake) == []


def test_a_new_indicator_is_looked_for_in_earlier_days(lake: Path) -> None:
    met(lake, "pair_days", BEFORE, OLD, first_slice_ts=BEFORE.start, last_slice_ts=BEFORE.start, source_digest="d")
    assert len(told(lake)) == 1
    (lake.parent / "late.txt").write_text(f"{OLD}\n")
    change(lake, "import", str(lake.parent / "late.txt"))
    ((action, who, words),) = told(lake)
    assert (action, who) == ("Create", QUIET) and f"met {OLD}" in words and told(lake) == []


def test_two_lists_that_name_an_address_are_two_messages_that_end_apart(lake: Path) -> None:
    (lake.parent / "other.txt").write_text(f"{BAD}/32\n")
    change(lake, "import", str(lake.parent / "other.txt"))
    assert len(told(lake)) == 2
    change(lake, "remove", "--source", "other", "--note", "x")
    assert [action for action, _, _ in told(lake)] == ["Close"]


def test_hosts_that_met_nothing_are_in_no_message(lake: Path) -> None:
    assert {who for _, who, _ in told(lake)} == {QUIET} and host(5) not in str(found(str(lake)))
