"""Schedules of the state machines, and damaged log files, in blocks: a trial is a block."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.common.logs.fuzzing import fuzz
from tests.statemachines.simulation.schedules import explore

BLOCK = 100
SEED = 1


@dataclass(frozen=True)
class Result:
    """A block: its size, its seconds of processor time, and what was wrong; "" for nothing."""

    size: int
    seconds: float
    wrong: str


def schedules(number: int) -> Result:
    """The nth block of schedules; in every other one, executions also do nothing for longer than a lease."""
    began = time.process_time()
    first = number * BLOCK
    found = explore(range(first, first + BLOCK), delays=number % 2 == 0)
    wrong = "; ".join(f"seed {outcome.seed}: {', '.join(outcome.violations)}" for outcome in found)
    return Result(BLOCK, round(time.process_time() - began, 1), wrong)


def files(number: int) -> Result:
    """The nth block of damaged files."""
    began = time.process_time()
    summary = fuzz(SEED, BLOCK, number * BLOCK)
    return Result(summary.files, round(time.process_time() - began, 1), "; ".join(summary.failures))
