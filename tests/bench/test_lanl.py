"""Flows in the layout of LANL's flows.txt, written for this test, become sessions that ndr-parse takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.detection.lanl import convert
from tests.commands import call
from tools.parse.cli import main as parse

FLOWS = """1,0,C1065,389,C3799,N10451,6,10,5323
86401,5,C17693,N8191,C1003,445,6,4,900
2,0,C1,N1,ActiveDirectory,80,6,1,52
noon,0,C1,N1,C2,80,6,1,52
3,0,C1,N1,C2,99999,6,1,52
"""


def test_flows_become_sessions_a_file_for_each_day(tmp_path: Path) -> None:
    """1065 = 4 x 256 + 41; 389 answers, so the other computer is the client, and the bytes are received ones."""
    (tmp_path / "flows.txt").write_text(FLOWS)
    counts = convert(tmp_path / "flows.txt", tmp_path / "out")
    assert (counts.rows, counts.other) == (5, {"no flow": 3})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["day-001.parquet", "day-002.parquet"]
    code, out, error = call(parse, tmp_path / "out", "--format", "ndjson")
    assert code == 0, error
    answer, attack = map(json.loads, out.splitlines())
    assert (answer["src_ip"], answer["dst_ip"], answer["dst_port"]) == ("10.0.14.215", "10.0.4.41", 389)
    assert (answer["src_port"], answer["bytes_sent"], answer["bytes_received"]) == (1_024 + 10_451, None, 5_323)
    assert (attack["src_ip"], attack["dst_ip"], attack["dst_port"]) == ("10.0.69.29", "10.0.3.235", 445)
    assert (attack["start_ts"], attack["end_ts"]) == ("2015-01-02T00:00:01.000000Z", "2015-01-02T00:00:06.000000Z")
    assert attack["bytes_sent"] == pytest.approx(900)
