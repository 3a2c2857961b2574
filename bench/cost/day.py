"""The day of a project: 96 windows, late and double events, a failed step, and a backfill beside them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bench.cost.clock import Clock, Process
from bench.cost.forms import JOINS, Form
from bench.cost.machines import ORCHESTRATION, Execution, Job
from bench.cost.published import DAY_SECONDS, PROCESS_SECONDS, RUNNERS, WINDOW_SECONDS, Quantiles
from common.windows import WINDOW_SECONDS as GRID

LIVE, BACKFILL = "sfn_ndr_15m_features_inference", "sfn_ndr_backfill_reprocessing"
WINDOWS = 96
BACKFILLED_DAYS = 30
BACKFILL_AT = 9 * 3600
SENT_AGAIN_AFTER = 15 * 60
"""Assumed: until somebody has the event of a failed window sent again."""
ARRIVAL_SECONDS = 60
"""Assumed: a window's batch is complete this long after its end, at most."""
LATE = (30, 60, 120, 300, 600, 1200, 3600, 10800)
"""Seconds after the first batch of a window at which another one of it is complete, each in a window of its own."""
DOUBLE = (0, 1, 5, 30, 120)
"""Seconds after its event at which the event of a batch comes again, each in a window of its own."""
FAILING = 40
"""The window whose features fail at the first attempt."""


@dataclass
class Usage:
    """What the live windows or the backfill took."""

    jobs: int = 0
    transitions: int = 0
    occupied: float = 0
    """Seconds from the requests of jobs to their ends."""
    billed: float = 0
    vcpu_seconds: float = 0
    """Billed, times the processors of the job."""
    price: float = 0
    """Of jobs, in dollars."""


@dataclass
class Day:
    """The world that the executions of a day meet."""

    form: Form
    seed: int
    slower: float = 1
    clock: Clock = field(default_factory=Clock)
    usage: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    delays: dict[str, float] = field(default_factory=dict)
    """Seconds from the event of each batch to its publication."""
    backfill_seconds: float = 0
    suppressed: int = 0
    """Events that ended without a publication of their own."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._owners: dict[int, Execution] = {}
        self._batches: dict[int, set[str]] = defaultdict(set)
        self._published: dict[int, frozenset[str]] = defaultdict(frozenset)
        self._events: dict[str, float] = {}
        self._failing = True

    @property
    def fused(self) -> bool:
        """Whether features, predictions and join are one job."""
        return self.form.fused

    @property
    def tasks(self) -> bool:
        """Whether jobs are tasks, or functions in their place."""
        return not RUNNERS[self.form.runner].by_pipeline

    def run(self) -> Day:
        """The day, when everything that began in it has ended."""
        late = dict(zip(self._random.sample(range(WINDOWS), len(LATE)), LATE, strict=True))
        double = dict(zip(self._random.sample(range(WINDOWS), len(DOUBLE)), DOUBLE, strict=True))
        for window in range(WINDOWS):
            at = (window + 1) * GRID + self._random.uniform(0, ARRIVAL_SECONDS)
            self.event(f"{window}", window, at)
            if window in late:
                self.event(f"{window} late", window, at + late[window])
            if window in double:
                self.event(f"{window}", window, at + double[window])
        self.event("yesterday's late", -1, BACKFILL_AT + 1200)
        self.clock.start(self._backfill(), BACKFILL_AT)
        self.clock.run()
        return self

    def event(self, batch: str, window: int, at: float) -> None:
        """Sends the event of a batch at a time."""
        self._events.setdefault(batch, at)
        self.clock.start(self._live(batch, window), at)

    def _live(self, batch: str, window: int) -> Iterator[float | Process]:
        execution = Execution(self, "live", (window,), batch)
        yield from execution.machine(LIVE)
        if execution.failed:
            yield SENT_AGAIN_AFTER
            yield from self._live(batch, window)
        elif not execution.batches:
            self.suppressed += 1

    def _backfill(self) -> Iterator[float | Process]:
        yield from Execution(self, "backfill", ()).machine(BACKFILL)
        self.backfill_seconds = self.clock.now - BACKFILL_AT

    def now(self) -> float:
        """The time in seconds since the day began."""
        return self.clock.now

    def visited(self, execution: Execution, name: str) -> None:
        """Counts a transition."""
        self.usage[execution.account].transitions += 1

    def start_job(self, execution: Execution, work: str, at: float) -> Job:
        """Runs the steps of a pipeline, one after the other, or a task."""
        usage = self.usage[execution.account]
        runner = self.form.runner_of(work)
        staged = self.fused and work in JOINS
        for command, instance in self.form.steps_of(work):
            pull = self._drawn(runner.pull)
            seconds = self._work(command, execution, staged=staged) + PROCESS_SECONDS
            billed = max(pull + seconds, runner.least_seconds)
            took = self._drawn(runner.before) + pull + seconds
            at += took
            usage.jobs += 1
            usage.occupied += took
            usage.billed += billed
            usage.vcpu_seconds += billed * runner.vcpus(instance)
            usage.price += runner.price(instance, billed)
        fails = self._failing and execution.account == "live" and execution.windows == (FAILING,)
        self._failing = self._failing and not fails
        return Job(at, not fails)

    def stop_job(self, job: Job, at: float) -> None:
        """Ends a job that has not ended; it stays billed as a whole."""
        if at < job.ends_at:
            job.ends_at, job.succeeds = at, False

    def _work(self, command: str, execution: Execution, staged: bool) -> float:
        if len(execution.windows) > 1:
            return DAY_SECONDS[command]
        if command != "ndr-15m":
            return WINDOW_SECONDS["staged join" if staged else command]
        through = None if execution.account == "live" and self.fused else -2
        stages = ("ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c", "ndr-inference", "ndr-join")
        return sum(WINDOW_SECONDS[stage] for stage in stages[:through])

    def _drawn(self, points: Quantiles) -> float:
        return self.slower * at_share(points, self._random.random())

    def acquire(self, execution: Execution) -> bool:
        """Takes the locks of all its windows, unless another has one of them, or its batch is published."""
        if any(self._owners.get(window, execution) is not execution for window in execution.windows):
            return False
        if execution.batch and self.published(execution):
            return False
        self._owners.update(dict.fromkeys(execution.windows, execution))
        return True

    def release(self, execution: Execution) -> None:
        """Gives the locks of its windows back."""
        for window in execution.windows:
            if self._owners.get(window) is execution:
                del self._owners[window]

    def record(self, execution: Execution) -> bool:
        """Notes the batch of an event; whether it was there."""
        known = self._batches[execution.windows[0]]
        there = execution.batch in known
        known.add(execution.batch)
        return there

    def collect(self, execution: Execution) -> None:
        """Gives a live execution all batches of its window."""
        if execution.batch:
            execution.batches = frozenset(self._batches[execution.windows[0]])

    def published(self, execution: Execution) -> bool:
        """Whether the batch is published."""
        return execution.batch in self._published[execution.windows[0]]

    def publish(self, execution: Execution) -> None:
        """Publishes the batches of a window."""
        self._published[execution.windows[0]] = execution.batches
        for batch in execution.batches:
            self.delays.setdefault(batch, self.clock.now - self._events[batch])

    def children(self, execution: Execution, state: Mapping[str, Any]) -> list[Process]:
        """Workers, as many as may run at once, which take the items of a map in turn."""
        items = [tuple(range(first, first + WINDOWS)) for first in range(-BACKFILLED_DAYS * WINDOWS, 0, WINDOWS)]
        items.reverse()
        parallel = int(ORCHESTRATION["backfill_parallelism"])
        return [self.clock.start(self._worker(state["ItemProcessor"], items)) for _ in range(parallel)]

    def _worker(self, machine: Mapping[str, Any], items: list[tuple[int, ...]]) -> Iterator[float | Process]:
        while items:
            yield from Execution(self, "backfill", items.pop()).steps(machine)


def at_share(points: Quantiles, share: float) -> float:
    """The seconds that this share of starts does not exceed."""
    for (low, least), (high, most) in pairwise(points):
        if share <= high:
            return least + (most - least) * (share - low) / (high - low)
    return points[-1][1]
