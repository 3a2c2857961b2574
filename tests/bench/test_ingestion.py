"""The benchmark of ingestion, with few files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.ingestion import Round, cpu_seconds, figures
from tests.checkout import ROOT


def test_the_growth_is_that_of_a_file_with_a_thousand_more_in_the_table() -> None:
    rounds = [Round(500, 10, 10), Round(500, 15, 11), Round(500, 25, 12)]
    assert figures(rounds) == {
        "files": 1500,
        "seconds": 50,
        "files_a_second": 30,
        "cpu_ms_a_file": [20, 22, 24],
        "seconds_a_round": [10, 15, 25],
        "growth_ms_a_thousand": 4,  # 2 ms more with 500 more files
    }


def test_the_time_of_descendants_counts_once_they_have_ended() -> None:
    before = cpu_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert cpu_seconds(os.getpid()) - before >= 0.4


@pytest.mark.slow
@pytest.mark.long
def test_files_in_two_rounds(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench.ingestion", "--files", "6", "--rounds", "2", "--json", str(result)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = json.loads(result.read_text())
    assert found["files"] == 6
    assert found["files_a_second"] > 0
    assert all(cost > 0 for cost in found["cpu_ms_a_file"])
    assert found["server_mib"] > 20
