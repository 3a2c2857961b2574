"""Schedules: who does the next step, how long it takes, and what goes wrong; drawn by a seed, so that each can be
replayed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.statemachines.machines.walker import StateError
from tests.statemachines.simulation import invariants
from tests.statemachines.simulation.compiled import Machine
from tests.statemachines.simulation.pipelines import EXECUTING, PipelineRun
from tests.statemachines.simulation.scenarios import LEASE, Arrival, Batch, Scenario, arrive, drawn, world_of
from tests.statemachines.simulation.services import SERVICES, service_of
from tests.statemachines.simulation.stepper import RUNNING, Blocked, Execution, fail, step
from tests.statemachines.simulation.values import Scope, val
from tests.statemachines.simulation.world import World, short

LATENCIES = (0, 0, 0, 0, 10, 30)
COMMITS = (0, 10, 10, 20)
MOST_STEPS = 4000
FAULT_CHANCE = 0.02
FAULTS = ("stop", "crash", "owner dies", "error", "error", "lost answer", "error for good")
Actor = Execution | PipelineRun


@dataclass(frozen=True)
class Outcome:
    """What was wrong in a schedule, and what happened in it if that was written down."""

    seed: int
    violations: tuple[str, ...]
    log: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {'; '.join(self.violations) or 'nothing is wrong'}", *self.log]
        return "\n".join(lines)


def explore(
    seeds: Iterable[int],
    machines: Mapping[str, Machine] | None = None,
    most: int | None = None,
    delays: bool = True,
) -> list[Outcome]:
    """The schedules of these seeds in which something is wrong, each with its trace; at most so many of them.

    Without delays, no execution does nothing for longer than the lease of its lock.
    """
    found = []
    for seed in seeds:
        if run(seed, machines, delays).violations:
            found.append(run(seed, machines, delays, log=True))
            if most and len(found) >= most:
                break
    return found


def run(seed: int, machines: Mapping[str, Machine] | None = None, delays: bool = True, log: bool = False) -> Outcome:
    """The schedule of a seed, whose jobs are tasks if it is odd."""
    dice = random.Random(seed)
    scenario = drawn(dice, delays)
    world = world_of(scenario, machines, "tasks" if seed % 2 else "pipelines")
    world.log = [f"batches {', '.join(map(str, scenario.batches))}"] if log else None
    play(world, scenario, dice)
    return Outcome(seed, world.violations, world.log or [])


def play(world: World, scenario: Scenario, dice: random.Random) -> None:
    """Plays a scenario to its end, checks it, repeats what did not succeed as an operator would, checks again."""
    Player(world, dice, scenario.faults, scenario.delays).play(scenario.arrivals)
    conclude(world, scenario.batches, dice)


def conclude(world: World, batches: Sequence[Batch], dice: random.Random) -> None:
    """Checks a world that is quiet, repeats what did not succeed as an operator would, and checks again."""
    invariants.check_claims(world, batches)
    world.now += LEASE + 1
    invariants.check_locks(world)
    player = Player(world, dice, faults=0)
    for attempt in range(2):
        for batch in invariants.missing(world, batches):
            world.say("--", lambda batch=batch: f"{batch.organisation}/{batch.name} is sent again")  # type: ignore[misc]
            retry(world, batch)
            player.play([Arrival(0, f"{batch.organisation}-{batch.name}-again{attempt}", batch)])
            world.now += LEASE + 1
    invariants.check_repeated(world, batches)
    invariants.check_claims(world, batches)


def retry(world: World, batch: Batch) -> None:
    """What `ndr-batches retry` does before it sends the event again: the batch is no longer set aside."""
    index = world.tables["batch_index"]
    for key, item in list(index.items()):
        if item.value.get("batch_s3_path", {}).get("S") == batch.path:
            index[key] = val({name: held for name, held in item.value.items() if not name.startswith("set_aside")})


class Player:
    """Plays executions and pipelines in an order of the dice."""

    def __init__(self, world: World, dice: random.Random, faults: int, delays: bool = False) -> None:
        self.world = world
        self.dice = dice
        self.faults = faults
        self._of_executions = (*FAULTS, "pause") if delays else FAULTS
        self._broken: dict[str, str | None] = {}

    def play(self, arrivals: Iterable[Arrival]) -> None:
        """Until nothing is left to do."""
        world, start = self.world, self.world.now
        waiting = sorted(arrivals, key=lambda one: one.seconds, reverse=True)
        for _ in range(MOST_STEPS):
            while waiting and start + waiting[-1].seconds <= world.now:
                self._delay(arrive(world, waiting.pop()))
            actors = active(world)
            if not actors and not waiting:
                return
            ready = [actor for actor in actors if actor.wake <= world.now]
            if not ready:
                times = [actor.wake for actor in actors] + [start + one.seconds for one in waiting[-1:]]
                world.now = min(times)
                continue
            actor = ready[self.dice.randrange(len(ready))]
            if isinstance(actor, PipelineRun):
                self._pipeline(actor)
            else:
                self._execution(actor)
        world.blame(f"it does not end: {[short(one.arn) for one in active(world) if isinstance(one, Execution)]}")

    def _execution(self, one: Execution) -> None:
        fault = self._draw(self._of_executions)
        world = self.world
        if fault in ("stop", "crash", "owner dies"):
            one = self._owner(one) if fault == "owner dies" else one
            world.end(one, "ABORTED" if fault == "stop" else "CRASHED", with_children=fault == "stop")
            self._hang_with(one)
            return
        if fault == "pause":
            world.late_start |= is_start(one)
            one.wake = world.now + LEASE + self.dice.choice((0, 60, 300))
            world.say(short(one.arn), lambda: f"does nothing for {one.wake - world.now} s")
            return
        state = one.machine.states[one.state or ""]
        if state.kind == "Task" and not one.children:
            if fault == "error for good":
                self._broken[one.arn] = one.state
            if fault == "lost answer":
                world.say(short(one.arn), lambda: f"the answer to {one.state} is lost")
                lose_answer(world, one)
                return
            if fault == "error" or self._broken.get(one.arn) == one.state:
                world.say(short(one.arn), lambda: f"an error of the service in {one.state}")
                refuse(world, one)
                return
        step(one, world.services)
        self._delay(one)
        if not one.children:
            world.say_state(one)

    def _owner(self, one: Execution) -> Execution:
        """An execution whose pipeline runs, if there is any."""
        executions, runs = self.world.executions, [run for run in self.world.pipelines.values() if run.active]
        owners = [executions[run.owner] for run in runs if executions[run.owner].status == RUNNING]
        return self.dice.choice(owners) if owners else one

    def _hang_with(self, one: Execution) -> None:
        """What ends an execution may hold up its pipeline too, for longer than a lease."""
        for run in self.world.pipelines.values():
            if run.owner == one.arn and run.active and self.dice.random() < 0.5:
                run.wake = self.world.now + LEASE + self.dice.choice((30, 90, 150))

    def _pipeline(self, one: PipelineRun) -> None:
        fault = self._draw(("fail", "hang")) if one.status == EXECUTING else None
        if fault == "fail" and one.steps:
            one.fail(one.steps[one.position][0], "AlgorithmError: InternalServerError: instance was lost")
            self.world.say(one.label, lambda: one.reason)
            return
        if fault == "hang":
            one.wake = self.world.now + self.dice.choice((150, LEASE))
            self.world.say(one.label, lambda: f"hangs for {one.wake - self.world.now} s")
            return
        self.world.advance(one)
        one.wake = max(one.wake, self.world.now + self.dice.choice(COMMITS))

    def _delay(self, one: Execution) -> None:
        if one.status == RUNNING and not one.waits:
            one.wake = max(one.wake, self.world.now + self.dice.choice(LATENCIES))

    def _draw(self, faults: tuple[str, ...]) -> str | None:
        if self.faults and self.dice.random() < FAULT_CHANCE:
            self.faults -= 1
            return self.dice.choice(faults)
        return None


def active(world: World) -> list[Actor]:
    """All that can do something, now or later."""
    running: list[Actor] = [one for one in world.executions.values() if one.status == RUNNING and not world.waits(one)]
    return running + [run for run in world.pipelines.values() if run.active]


def is_start(one: Execution) -> bool:
    """Whether the next step starts a pipeline or a task, after the check that the lock is held."""
    starts = (":startPipelineExecution", "ecs:runTask.sync")
    return not one.children and one.machine.states[one.state or ""].resource.endswith(starts)


def error_of(one: Execution) -> StateError:
    """An error of the service that the execution calls."""
    service, _ = service_of(one.machine.states[one.state or ""])
    general = {"states": "AWSStepFunctionsException", "ecs": "ServerException"}
    name = general.get(service, f"{SERVICES[service]}Exception")
    return StateError(f"{SERVICES[service]}.{name}", "the service failed")


def refuse(world: World, one: Execution) -> None:
    """The call of the execution fails."""
    error = error_of(one)
    one.heard(error)
    fail(one, world.services, error)
    world.say_state(one)


def lose_answer(world: World, one: Execution) -> None:
    """The call takes effect, but its answer is an error."""
    services = world.services
    state = one.machine.states[one.state or ""]
    scope = Scope(one.variables, one.data, one.context, world.now)
    with suppress(StateError, Blocked):
        services.call(one, state, state.templates["Arguments"].fill(scope))
    refuse(world, one)
