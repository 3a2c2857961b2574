"""The warehouse equals the truth, whatever the order of loading, how often, and where commands were killed.

`C360_EXAMPLES` is how many orders and kills of each command are drawn.
"""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.c360.chain import Chain
from tests.c360.conftest import CONFIG, DAYS
from tests.c360.killed import run_until
from tests.c360.truth import of_scenario, of_warehouse
from tests.commands import Argument
from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.job import run

pytestmark = pytest.mark.slow
DRAWN = settings(
    max_examples=int(os.environ.get("C360_EXAMPLES", "3")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CHANGES = {"validate": 40, "clean": 80, "staging": 45, "warehouse": 75}
"""Among how many first changes of a command one is drawn at which it is killed; it makes a few more."""


def require_truth(chain: Chain, scenario: Path) -> None:
    found, true = of_warehouse(chain.database), of_scenario(scenario)
    for name, rows in true.items():
        assert found[name] == rows, name


def test_the_daily_schedule_and_the_late_days_again(scenario: Path, tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    for day in DAYS:
        chain.deliver(scenario, [day])
        chain.clean(str(day), late_days=2)
        chain.stage(day)
        chain.load()
    for day in DAYS[1:4]:  # files of these days came a day late
        chain.stage(day)
        chain.load()
    require_truth(chain, scenario)
    chain.stage(DAYS[-1])
    chain.load()
    assert chain.stage(DAYS[-1])["details"]["outcome"] == "unchanged"
    assert "loaded already" in chain.load()["details"]["outcome"]
    require_truth(chain, scenario)


@pytest.mark.long
@DRAWN
@given(order=st.permutations(DAYS), again=st.lists(st.sampled_from(DAYS), max_size=3))
def test_any_order_of_loading(staged: Chain, scenario: Path, order: list[date], again: list[date]) -> None:
    with TemporaryDirectory() as folder:
        chain = Chain(Path(folder))
        chain.zones.symlink_to(staged.zones)
        for day in (*order, *again):  # without the days before, more of a day's events are unresolved
            chain.load(f"staging-{day}", "--least-resolved-share", "0")
        require_truth(chain, scenario)


@DRAWN
@given(moments=st.fixed_dictionaries({name: st.integers(1, most) for name, most in CHANGES.items()}))
@pytest.mark.long
def test_commands_that_were_killed_and_started_again(two_days: Path, moments: dict[str, int]) -> None:
    with TemporaryDirectory() as folder:
        chain = Chain(Path(folder))
        for day in DAYS[:2]:
            shutil.copytree(two_days / f"day={day}" / "raw", chain.zones / "raw", dirs_exist_ok=True)
            killed_and_again(chain, "validate", moments, *chain.validate_options())
        killed_and_again(chain, "clean", moments, *chain.clean_options(f"{DAYS[0]}/{DAYS[1]}"))
        for day in DAYS[:2]:
            killed_and_again(chain, "staging", moments, *chain.staging_options(day))
            killed_and_again(chain, "warehouse", moments, *chain.warehouse_options())
        require_truth(chain, two_days)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("c360") / "two-days"
    run(SimulateConfig(out=out, **CONFIG | {"days": 2}))
    return out


def killed_and_again(chain: Chain, command: str, moments: dict[str, int], *arguments: Argument) -> None:
    assert run_until(moments[command], chain.folder, f"jobs.c360_{command}.cli", *arguments), (
        f"{command} made fewer changes"
    )
    chain.run(command, *arguments)


def test_the_sample_is_resolved_completely_and_an_unchanged_day_changes_nothing(tmp_path: Path) -> None:
    scenario, chain = tmp_path / "scenario", Chain(tmp_path / "chain")
    run(SimulateConfig(scenario, days=4, customers=100, events=1.0, shape="sample"))
    first, last = date(2026, 3, 4), date(2026, 3, 5)
    chain.deliver(scenario, [first])
    chain.clean(f"2026-03-01/{first}")
    chain.stage(first)
    report = chain.load()
    assert report["details"]["unresolved"] == {}
    versions = of_warehouse(chain.database, ["dim_customer", "dim_plan"])
    chain.deliver(scenario, [last])
    chain.clean(str(last))
    chain.stage(last)
    chain.load()
    require_truth(chain, scenario)
    assert of_warehouse(chain.database, ["dim_customer", "dim_plan"]) == versions
