"""A simulated scenario, what its commands make of it, and the truth."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.c360.chain import Chain
from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.job import run

DAYS = tuple(date(2026, 3, day) for day in range(1, 6))
RANGE = f"{DAYS[0]}/{DAYS[-1]}"
CONFIG: dict[str, Any] = {"start": DAYS[0], "days": len(DAYS), "customers": 100, "events": 4.0}


@pytest.fixture(scope="session")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five days of the sources, with the truth."""
    out = tmp_path_factory.mktemp("c360") / "scenario"
    run(SimulateConfig(out=out, **CONFIG))
    return out


@pytest.fixture(scope="session")
def sorted_files(scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """All files in `archive` and `rejected`."""
    chain = Chain(tmp_path_factory.mktemp("c360") / "chain")
    chain.deliver(scenario, DAYS)
    return chain


@pytest.fixture(scope="session")
def cleaned(sorted_files: Chain) -> Chain:
    """The rows of all days in `clean`."""
    sorted_files.clean(RANGE)
    return sorted_files


@pytest.fixture(scope="session")
def staged(cleaned: Chain) -> Chain:
    """The snapshot as of each day in a folder of its own, `staging-<day>`."""
    for day in DAYS:
        cleaned.stage(day, f"staging-{day}")
    return cleaned
