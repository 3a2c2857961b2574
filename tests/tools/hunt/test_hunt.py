import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from common.lake.lake import Lake
from common.windows import WINDOW, Windows, iso
from tests.commands import call
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tools.hunt.cli import main

LAST = Windows.parse("2026-03-10T13:08Z")
BEFORE = Windows(LAST.start - timedelta(days=1), LAST.end - timedelta(days=1))
LONG_AGO = Windows(LAST.start - timedelta(days=40), LAST.end - timedelta(days=40))
PEER = "203.0.113.9"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two hosts that met a peer yesterday and today, one of them also 40 days ago; and a session with ssh."""
    opened = Lake(str(tmp_path), SPEC)
    days, slices, sessions = (opened.table(name) for name in ("pair_days", "delta_pair", "sessions"))
    pair = {"role": "outbound", "peer_ip": PEER, "peer_port": 443}
    rows = [
        table_row(days, window, host_ip=host, sessions_cnt=count, source_digest="d", **pair,
                  first_slice_ts=window.start, last_slice_ts=window.start + WINDOW)
        for window, host, count in ((BEFORE, "10.1.1.1", 3), (BEFORE, "10.1.1.2", 5), (LONG_AGO, "10.1.1.1", 7))
    ]  # fmt: skip
    write_table(tmp_path, "pair_days", rows)
    today = {"host_ip": "10.1.1.1", "protocol": "tcp", "sessions_cnt": 2, "first_ts": LAST.start, "last_ts": LAST.start}
    other = today | pair | {"peer_ip": "203.0.114.1", "peer_port": 22}
    write_table(tmp_path, "delta_pair", [table_row(slices, LAST, **row) for row in (today | pair, other)])
    ssh = {"src_ip": "10.1.1.3", "dst_ip": "10.1.1.1", "dst_port": 2222, "app": "ssh", "repeat_count": 4}
    write_table(tmp_path, "sessions", [table_row(sessions, LAST, end_ts=LAST.start, **ssh)])
    return tmp_path


def hunted(lake: Path, *options: str) -> list[dict[str, Any]]:
    code, text, error = call(main, "--lake", str(lake), *options)
    assert code == 0, error
    return [json.loads(line) for line in text.splitlines()]


def test_who_met_a_peer_and_when(lake: Path) -> None:
    first, second = hunted(lake, "--peer", PEER)
    assert first == {
        "host_ip": "10.1.1.1", "role": "outbound", "peer_ip": PEER, "peer_port": 443, "first": iso(BEFORE.start),
        "last": iso(LAST.start), "sessions": 5, "days_cnt": 2, "indicators": None,
    }  # fmt: skip
    assert (second["host_ip"], second["sessions"]) == ("10.1.1.2", 5)
    assert hunted(lake, "--peer", PEER, "--days", "60")[0]["sessions"] == 12


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--peer", "203.0.112.0/22"], 3),
        (["--peer", "203.0.114.0/24"], 1),
        (["--peer", "2001:db8::/32"], 0),
        (["--host", "10.1.1.1"], 2),
        (["--port", "22"], 1),
        (["--host", "10.1.1.2", "--port", "22"], 0),
        (["--app", "ssh"], 1),
        (["--app", "ssh", "--port", "22"], 0),
        (["--peer", PEER, "--top", "1"], 1),
        (["--peer", "203.0.113.0"], 0),
        (["--peer", "203.0.113.9/31"], 2),
        (["--host", "10.1.1.1@berlin' OR '1' = '1"], 0),
        (["--host", "10.1.1.1@'"], 0),
        (["--app", "ssh' --"], 0),
    ],
)
def test_what_is_asked_for_is_found(lake: Path, options: list[str], found: int) -> None:
    assert len(hunted(lake, *options)) == found


def test_networks_of_ipv6_and_addresses_with_a_network_are_found(tmp_path: Path) -> None:
    table = Lake(str(tmp_path), SPEC).table("delta_pair")
    peers = ["2001:db8::9", "2001:db9::9", "203.0.113.9@branch", "203.0.113.90"]
    write_table(tmp_path, "delta_pair", [table_row(table, LAST, role="outbound", peer_ip=peer) for peer in peers])
    assert [row["peer_ip"] for row in hunted(tmp_path, "--peer", "2001:db8::/32")] == peers[:1]
    assert [row["peer_ip"] for row in hunted(tmp_path, "--peer", PEER)] == peers[2:3]
    assert [row["peer_ip"] for row in hunted(tmp_path, "--peer", f"::ffff:{PEER}")] == peers[2:3]
    assert [row["peer_ip"] for row in hunted(tmp_path, "--peer", f"{PEER}@branch")] == ["203.0.113.9@branch"]
    assert [row["peer_ip"] for row in hunted(tmp_path, "--peer", f"::ffff:{PEER}@branch")] == ["203.0.113.9@branch"]
    assert hunted(tmp_path, "--peer", f"{PEER}@bran") == [] == hunted(tmp_path, "--peer", f"{PEER}@' OR '1' = '1")
    assert len(hunted(tmp_path, "--peer", "::/0")) == 2 and len(hunted(tmp_path, "--peer", "0.0.0.0/0")) == 2


def test_a_damaged_table_is_an_error_that_names_it(lake: Path) -> None:
    for file in (lake / "delta_pair").rglob("*.parquet"):
        file.write_bytes(b"no Parquet")
    code, _, error = call(main, "--lake", str(lake), "--peer", PEER)
    assert code == 1 and "delta_pair" in error


def test_applications_are_found_in_sessions(lake: Path) -> None:
    (row,) = hunted(lake, "--app", "ssh")
    assert (row["host_ip"], row["peer_ip"], row["peer_port"], row["sessions"]) == ("10.1.1.3", "10.1.1.1", 2222, 4)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--peer", "nobody"],
        ["--peer", "203.0.113.0/24@branch"],
        ["--port", "70000"],
        ["--host", "nobody"],
        ["--port", "22", "--days", "0"],
    ],
)
def test_usage_errors_are_code_2(lake: Path, options: list[str]) -> None:
    assert call(main, "--lake", str(lake), *options)[0] == 2


def test_an_empty_lake_is_an_error(tmp_path: Path) -> None:
    code, _, error = call(main, "--lake", str(tmp_path / "lakee"), "--port", "22")
    assert code == 1 and "lakee has no tables" in error
