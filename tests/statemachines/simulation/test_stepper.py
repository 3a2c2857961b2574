"""The stepper goes as moto's interpreter: in the situations of the machines, and in executions of schedules."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.runs import Run
from tests.statemachines.machines.samples import BACKFILL, DEFINITIONS, LIVE, PUBLICATION
from tests.statemachines.machines.second_engine import SecondEngine
from tests.statemachines.machines.situations import situations
from tests.statemachines.machines.walker import NO_ITEMS, StateError
from tests.statemachines.simulation.compiled import Machine, State
from tests.statemachines.simulation.scenarios import drawn, world_of
from tests.statemachines.simulation.schedules import play
from tests.statemachines.simulation.stepper import RUNNING, Execution, enter, step
from tests.statemachines.simulation.values import Val, val
from tests.statemachines.simulation.world import EPOCH, context_of

pytestmark = pytest.mark.slow

ENDED_OTHERWISE_BY_MOTO = {"no-object-of-ranges", "object-of-ranges-vanishes"}
"""Situations that moto ends otherwise, see test_second_engine."""
REPLAYED_SEEDS = range(12)


@pytest.fixture(scope="module")
def moto() -> SecondEngine:
    return SecondEngine()


class Scripted:
    """Services that answer as a situation says."""

    def __init__(self, situation: Situation) -> None:
        self.now = EPOCH
        self._responses = situation.all_responses()
        self._items = situation.items_of()
        self.executions: dict[str, Execution] = {}
        self._made: Counter[tuple[str, str]] = Counter()

    def call(self, execution: Execution, state: State, arguments: Val) -> Val:
        responses = self._responses[state.name]
        made = self._made[execution.arn, state.name]
        self._made[execution.arn, state.name] += 1
        response = responses[min(made, len(responses) - 1)]
        if isinstance(response, StateError):
            raise response
        return val(response)

    def ended(self, execution: Execution, state: State) -> Val:
        raise AssertionError(f"{state.name} is answered at once")

    def read_items(self, execution: Execution, state: State, arguments: Val) -> Sequence[Any]:
        items = self._items[state.name]
        if items is None:
            raise StateError("States.ItemReaderFailed", NO_ITEMS)
        return items

    def start_child(self, execution: Execution, state: State, index: int, message: Val) -> str:
        arn = f"{execution.arn}/{state.label}:{index}"
        self.begin(arn, str(index), state.processor, message)
        return arn

    def outcome(self, arn: str) -> tuple[str, Val | None]:
        return self.executions[arn].status, self.executions[arn].output

    def begin(self, arn: str, name: str, machine: Machine, message: Val) -> Execution:
        """An execution and, in the end, all that it starts."""
        execution = Execution(arn, name, machine, context_of(arn, name, message), message, self.now, way=(), answers=())
        self.executions[arn] = execution
        enter(execution, self, machine.start, message)
        while execution.status == RUNNING:
            self.now = max(self.now, execution.wake)
            step(execution, self)
        return execution


def run_of(execution: Execution, children: Sequence[Execution] = ()) -> Run:
    """How an execution went, in the form of moto's."""
    assert execution.way is not None and execution.answers is not None
    return Run(
        list(execution.way),
        dict(Counter(name for name, _ in execution.answers if name not in ("RunBackfillDeltas", "RunBackfillWindows"))),
        execution.status,
        execution.output.value if execution.output else None,
        execution.error,
        execution.cause,
        [run_of(child) for child in children],
    )


def comparable(run: Run) -> tuple[Any, ...]:
    """A run without the order and the outputs of its children: moto runs them at once, and outputs are in results."""
    children = sorted(((child.states, child.attempts, child.status) for child in run.children), key=str)
    return run.states, run.attempts, run.status, run.output, run.error, run.cause, children


@pytest.mark.parametrize("machine", [LIVE, PUBLICATION, pytest.param(BACKFILL, marks=pytest.mark.long)])
def test_each_situation_goes_as_with_moto(moto: SecondEngine, machine: str) -> None:
    differing = {}
    for situation in situations(machine):
        if situation.name in ENDED_OTHERWISE_BY_MOTO:
            continue
        services = Scripted(situation)
        arn = f"arn:aws:states:us-east-1:000000000000:execution:{machine}:test"
        own = services.begin(arn, "test", Machine(machine, DEFINITIONS[machine]), val(situation.message))
        children = [one for one in services.executions.values() if one is not own]
        stepped, run = comparable(run_of(own, children)), comparable(moto.run(situation)[0])
        if stepped != run:
            differing[situation.name] = (stepped, run)
    assert not differing


def recorded(seeds: Sequence[int]) -> Iterator[Execution]:
    """Executions of schedules that came to an end of their own, once for each way that they went."""
    ways = set()
    for seed in seeds:
        dice = random.Random(seed)
        scenario = drawn(dice)
        world = world_of(scenario, runner="tasks" if seed % 2 else "pipelines")
        world.recorded = True
        play(world, scenario, dice)
        for one in world.executions.values():
            ended = one.machine.name in (LIVE, PUBLICATION) and one.status in ("SUCCEEDED", "FAILED")
            if ended and one.way not in ways:
                ways.add(one.way)
                yield one


def test_executions_of_schedules_go_the_same_way_with_moto(moto: SecondEngine) -> None:
    replayed = 0
    for one in recorded(REPLAYED_SEEDS):
        assert one.answers is not None
        answers: dict[str, list[Any]] = {}
        for state, answer in one.answers:
            answers.setdefault(state, []).append(answer if isinstance(answer, StateError) else answer.value)
        situation = Situation(one.machine.name, "replay", one.message.value, answers)
        run, _ = moto.run(situation, one.name)
        assert comparable(run) == comparable(run_of(one)), one.arn
        replayed += 1
    assert replayed > 10
