"""The chain on classic Spark gives the truth. Its environment has no local warehouse: that of the project loads it."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path

import pytest

from common.runtime.glue import has_classic_spark
from tests.c360.chain import Chain
from tests.c360.truth import of_scenario
from tests.checkout import ROOT
from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.job import run

DAYS = [date(2026, 3, 1), date(2026, 3, 2)]


@pytest.mark.parity
@pytest.mark.skipif(not has_classic_spark(), reason="needs classic Spark")
@pytest.mark.usefixtures("session")  # which classic Spark has one of in a process
def test_the_daily_schedule_on_classic_spark(tmp_path: Path) -> None:
    scenario, chain = tmp_path / "scenario", Chain(tmp_path / "chain", "spark")
    run(SimulateConfig(scenario, DAYS[0], len(DAYS), customers=100))
    for day in DAYS:
        chain.deliver(scenario, [day])
        assert chain.clean(str(day), late_days=2)["engine"] == "spark"
        assert chain.stage(day)["engine"] == "spark"
        in_project("c360-warehouse", *chain.warehouse_options())
    found = json.loads(in_project("python", "-m", "tests.c360.truth", chain.database))
    for name, rows in of_scenario(scenario).items():
        assert found[name] == rows, name


def in_project(command: str, *arguments: object) -> str:
    """What a command of the project's own environment prints."""
    words = [str(ROOT / ".venv/bin" / command), *map(str, arguments)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
