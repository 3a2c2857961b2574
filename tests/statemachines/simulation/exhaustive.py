"""Every interleaving of a few executions: from each world, each step that is possible; a world is visited once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.statemachines.simulation.compiled import Machine
from tests.statemachines.simulation.pipelines import PipelineRun
from tests.statemachines.simulation.scenarios import Scenario, arrive, world_of
from tests.statemachines.simulation.schedules import Actor, active, conclude
from tests.statemachines.simulation.stepper import Execution, step
from tests.statemachines.simulation.world import World


@dataclass
class Explored:
    """What was found: how many worlds, how many ends, and the trace to the first that is wrong."""

    worlds: int = 0
    ends: int = 0
    wrong: World | None = None

    def __str__(self) -> str:
        lines = [] if self.wrong is None else [*self.wrong.violations, *(self.wrong.log or [])]
        return "\n".join([f"{self.worlds:,} worlds, {self.ends:,} ends", *lines])


def explore_all(
    scenario: Scenario, machines: Mapping[str, Machine] | None = None, most: int = 1_000_000, log: bool = False
) -> Explored:
    """Every order in which the executions of a scenario and their pipelines can take their steps.

    All arrive at once. Time goes on when nobody can take a step before. Of `scenario.faults`, each is a crash or a stop
    of an execution before any of its steps.
    """
    first = world_of(scenario, machines)
    first.log = [] if log else None
    for arrival in scenario.arrivals:
        arrive(first, arrival)
    explored, seen = Explored(), set()
    waiting = [(first, scenario.faults)]
    while waiting and explored.worlds < most:
        world, faults = waiting.pop()
        explored.worlds += 1
        actors = active(world)
        if not actors:
            explored.ends += 1
            conclude(world, scenario.batches, random.Random(0))
        if world.violations:
            explored.wrong = world
            return explored
        for follower, left in _followers(world, actors, faults):
            key = (hash(follower.key()), left)
            if key not in seen:
                seen.add(key)
                waiting.append((follower, left))
    return explored


def _followers(world: World, actors: list[Actor], faults: int) -> Iterator[tuple[World, int]]:
    """The worlds after each possible step."""
    if not actors:
        return
    now = max(world.now, min(actor.wake for actor in actors))
    for actor in actors:
        if actor.wake > now:
            continue
        follower = world.copy()
        follower.now = now
        if isinstance(actor, PipelineRun):
            follower.advance(follower.pipelines[actor.arn])
            yield follower, faults
            continue
        step(follower.executions[actor.arn], follower.services)
        follower.say_state(follower.executions[actor.arn])
        yield follower, faults
        if faults:
            yield from _ended(world, actor, now, faults - 1)


def _ended(world: World, actor: Execution, now: int, faults: int) -> Iterator[tuple[World, int]]:
    for status in ("ABORTED", "CRASHED"):
        follower = world.copy()
        follower.now = now
        follower.end(follower.executions[actor.arn], status, with_children=status == "ABORTED")
        yield follower, faults
