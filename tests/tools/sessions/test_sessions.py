import json
from pathlib import Path
from typing import Any

import pytest

from common.lake.lake import Lake
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, within, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tools.report.cli import main as report
from tools.sessions.cli import main

PEER = "203.0.113.9"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A case of a host that met a peer outside and another host, and sessions of its windows."""
    write_alerts(tmp_path, [(0, 3, PAIR), (1, 3, within(5, 445))])
    table = Lake(str(tmp_path), SPEC).table("sessions")
    ends = [
        (0, host(3), PEER, 443), (0, host(3), PEER, 80), (0, PEER, host(3), 443), (0, host(4), PEER, 443),
        (1, host(3), host(5), 445), (1, host(3), PEER, 443), (2, host(3), PEER, 443),
    ]  # fmt: skip
    rows = [
        table_row(table, WHOLE[at], src_ip=source, dst_ip=target, dst_port=port, end_ts=WHOLE[at].start, source_line=at)
        for at, source, target, port in ends
    ]
    write_table(tmp_path, "sessions", rows)
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
    "options", [[], ["--host", "a", "--case", "b"], ["--case", "b", "--peer", "c"], ["--host", "a", "--port", "x"]]
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
