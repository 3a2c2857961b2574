"""Schedules whose jobs are tasks: nothing is wrong with the machines, and what would be wrong is found."""

from __future__ import annotations

import json

import pytest

from tests.statemachines.machines.samples import DEFINITIONS
from tests.statemachines.simulation.scenarios import compiled
from tests.statemachines.simulation.schedules import explore, run

pytestmark = pytest.mark.slow
WITH_TASKS = range(1, 41, 2)
"""Odd seeds run tasks."""


def test_nothing_is_wrong_with_schedules_of_tasks() -> None:
    assert [str(found) for found in explore(WITH_TASKS)] == []
    assert any("runs task" in line for line in run(WITH_TASKS[0], log=True).log)


@pytest.mark.parametrize(
    ("done", "instead", "seed"),
    [
        ("'STOPPED'].('task/'", "'RUNNING'].('task/'", 143),  # tasks that stop are not looked for
        ("LastStatus != 'STOPPED' and Group", "LastStatus = 'RUNNING' and Group", 143),  # nor waited for
        ('"ECS.ThrottlingException"', '"ECS.ThrottlingException", "ECS.ServerException"', 757),  # a start is doubted
    ],
)
def test_what_lets_two_tasks_work_on_a_window_is_found(done: str, instead: str, seed: int) -> None:
    text = json.dumps(DEFINITIONS)
    assert done in text
    found = run(seed, compiled(json.loads(text.replace(done, instead))))
    assert "at once" in found.violations[0]
    assert run(seed).violations == ()
