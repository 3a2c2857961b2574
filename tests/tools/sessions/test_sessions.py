import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from common.lake.lake import Lake
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import NO_ALERTS, PAIR, WHOLE, within, write_alerts
from tests.common.detection.model_lake import host, rows, write
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.types import Row
from tools.report.cli import main as report
from tools.sessions.cli import main

PEER = "203.0.113.9"
TARGET = f"( addr.dst in {host(5)} ) and ( time"
SOURCE = f"( addr.src in {host(3)} ) and ( time"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A case of a host that met a peer outside and another host, and sessions of its windows."""
    write_alerts(tmp_path, [(0, 3, PAIR), (1, 3, within(5, 445))])
    table = Lake(str(tmp_path), SPEC).table("sessions")
    ends = [
        (0, host(3), PEER, 443), (0, host(3), PEER, 80), (0, PEER, host(3), 443), (0, host(4), PEER, 443),
        (1, host(3), host(5), 445), (1, host(3), PEER, 443), (2, host(3), PEER, 443),
    ]  # fmt: skip
    held = [
        table_row(table, WHOLE[at], src_ip=source, dst_ip=target, dst_port=port, end_ts=WHOLE[at].start, source_line=at)
        for at, source, target, port in ends
    ]
    write_table(tmp_path, "sessions", held)
    return tmp_path


def sessions(lake: Path, *options: str) -> list[dict[str, Any]]:
    code, text, error = call(main, "--lake", str(lake), *options)
    assert code == 0, error
    return [json.loads(line) for line in text.splitlines()]


def case_id(lake: Path) -> str:
    found: str = json.loads(call(report, "--lake", str(lake), "--cases", "--json")[1])["cases"][0]["case_id"]
    return found


def ends(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(row["src_ip"], row["dst_ip"], row["dst_port"]) for row in rows]


def test_a_case_leads_to_its_sessions(lake: Path) -> None:
    """Of its contacts, in its windows, with all columns."""
    found = sessions(lake, "--case", case_id(lake))
    assert sorted(ends(found)) == sorted([(host(3), PEER, 443), (host(3), host(5), 445), (host(3), PEER, 443)])
    assert {"rule", "src_zone", "app", "src_user", "action", "source_file"} <= found[0].keys()


@pytest.mark.parametrize(
    ("pairs", "tried", "said"),
    [
        ([within(5, port) for port in range(5)], [(host(5), 445), (host(5), 80)], TARGET),
        ([within(place, 445) for place in range(5, 9)], [(host(5), 445), (PEER, 80)], SOURCE),
    ],
)  # fmt: skip
def test_a_scan_leads_to_all_that_it_tried(
    tmp_path: Path, pairs: list[Row], tried: list[tuple[str, int]], said: str
) -> None:
    """Its contacts are a sample: no more than a few of each window."""
    write_alerts(tmp_path, [(0, 3, pair | {"sessions_day": 1, "failed_day": 1}) for pair in pairs])
    table = Lake(str(tmp_path), SPEC).table("sessions")
    sent = [(host(3), *end) for end in tried]
    every = [*sent, (host(4), host(5), 445), (host(5), host(3), 445)]
    write_table(tmp_path, "sessions", [table_row(table, WHOLE[0], src_ip=a, dst_ip=b, dst_port=c) for a, b, c in every])
    case = case_id(tmp_path)
    assert sorted(ends(sessions(tmp_path, "--case", case))) == sorted(sent)
    assert said in call(main, "--lake", str(tmp_path), "--case", case, "--firewall-filter")[1]


def test_a_case_without_contacts_leads_to_all_sessions_of_its_source(lake: Path) -> None:
    alone = NO_ALERTS | {"anomaly_score": NO_ALERTS["anomaly_score"] | {3: 0.9999}}
    shutil.rmtree(lake / "predictions")
    write(lake, Lake(str(lake), SPEC).table("predictions"), rows("predictions", WHOLE[0], 0, overrides=alone))
    case = case_id(lake)
    assert len(sessions(lake, "--case", case)) == 3
    text = call(main, "--lake", str(lake), "--case", case, "--firewall-filter")[1]
    assert text.startswith(f"( addr in {host(3)} ) and ( time_generated geq")


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--host", host(3)], 6),
        (["--host", host(3), "--peer", PEER], 5),
        (["--host", host(3), "--port", "443"], 4),
        (["--host", host(3), "--peer", PEER, "--window", str(WHOLE[2])], 1),
        (["--host", host(3), "--top", "2"], 2),
        (["--host", "10.9.9.9"], 0),
    ],
)
def test_a_host_leads_to_its_sessions(lake: Path, options: list[str], count: int) -> None:
    assert len(sessions(lake, *options)) == count


def test_windows_that_are_not_kept_are_told(lake: Path) -> None:
    _, _, error = call(main, "--lake", str(lake), "--host", host(3), "--window", str(WHOLE[7]))
    assert f"the sessions of 1 window of {WHOLE[7]} are not in the lake" in error


def test_the_filter_of_the_firewall(lake: Path) -> None:
    time = "( time_generated geq '2026/03/10 00:08:00' ) and ( time_generated leq '2026/03/10 00:38:00' )"
    text = call(main, "--lake", str(lake), "--case", case_id(lake), "--firewall-filter")[1].strip()
    one = f"( addr.src in {host(3)} ) and ( addr.dst in {PEER} ) and ( port.dst eq 443 )"
    other = f"( addr.src in {host(3)} ) and ( addr.dst in {host(5)} ) and ( port.dst eq 445 )"
    assert text in (f"( ( {a} ) or ( {b} ) ) and {time}" for a, b in ((one, other), (other, one)))
    window = ("--window", str(WHOLE[0]))
    text = call(main, "--lake", str(lake), "--host", host(3), "--peer", PEER, *window, "--firewall-filter")[1].strip()
    assert text.startswith(f"( addr in {host(3)} ) and ( addr in {PEER} ) and ( time_generated geq")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--host", host(3), "--case", "b"],
        ["--case", "b", "--peer", PEER],
        ["--host", host(3), "--port", "x"],
        ["--host", "nobody"],
        ["--host", host(3), "--peer", "10.1"],
    ],
)
def test_usage_errors_are_code_2(lake: Path, options: list[str]) -> None:
    assert call(main, "--lake", str(lake), *options)[0] == 2


def test_unknown_cases_and_lakes_without_sessions_are_errors(lake: Path, tmp_path: Path) -> None:
    code, _, error = call(main, "--lake", str(lake), "--case", "nope")
    assert code == 1 and "have no case nope" in error
    (empty := tmp_path / "empty").mkdir()
    write_alerts(empty, [])
    code, _, error = call(main, "--lake", str(empty), "--host", host(3))
    assert code == 1 and "keeps no sessions" in error
