"""Executions of the state machines as their committed definitions say: each state, each wait, each choice.

Calls are answered by a `World`. Of the conditions of choices, those of `TRUTHS` are decided by what has happened, those
that count polls and attempts are evaluated; all others ask for something wrong with the input, and do not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from jsonata import Jsonata

from bench.cost.clock import Process
from common.config.orchestration import OrchestrationParameters
from statemachines.definitions import definition_of

STATE_SECONDS = 0.03
CALL_SECONDS = 0.15
"""Assumed: time that a state takes, and a call in addition."""

ORCHESTRATION = OrchestrationParameters(lake_uri="s3://lake", ingestion_prefix="s3://logs/acme/hq").model_dump()
"""The defaults of a project, as the machines read them."""

PUBLICATION = "sfn_ndr_prediction_publication"


@dataclass
class Job:
    """A run of a pipeline, or of the task or function that does its work."""

    ends_at: float
    succeeds: bool


class World(Protocol):
    """What executions meet."""

    @property
    def fused(self) -> bool:
        """Whether features, predictions and join are one job."""

    @property
    def tasks(self) -> bool:
        """Whether jobs are tasks."""

    def visited(self, execution: Execution, name: str) -> None:
        """A state was entered."""

    def start_job(self, execution: Execution, work: str, at: float) -> Job:
        """Runs the pipeline that a placeholder of the definitions stands for, or the task of a family."""

    def stop_job(self, job: Job, at: float) -> None:
        """Ends a job early."""

    def acquire(self, execution: Execution) -> bool:
        """Takes the locks of the windows, unless another has one, or the batch is published."""

    def release(self, execution: Execution) -> None:
        """Gives them back."""

    def record(self, execution: Execution) -> bool:
        """Notes the batch; whether it was known."""

    def collect(self, execution: Execution) -> None:
        """Gives the execution the batches of its window."""

    def published(self, execution: Execution) -> bool:
        """Whether the batch is in the last publication of its window."""

    def publish(self, execution: Execution) -> None:
        """Publishes the batches that the execution has."""

    def children(self, execution: Execution, state: Mapping[str, Any]) -> list[Process]:
        """Starts what a map runs, and gives the processes that end with it."""

    def now(self) -> float:
        """The time."""


@dataclass(eq=False)
class Execution:
    """One execution, or one child of a map: its way is what `steps` goes through."""

    world: World
    account: str
    windows: tuple[int, ...]
    batch: str = ""
    batches: frozenset[str] = frozenset()
    known: bool = False
    lock_attempt: int = 0
    job: Job | None = None
    status: str = ""
    polls: int = 0
    polled: float = 0
    stopped: bool = False
    failed: bool = False
    lag: float = field(default=0, repr=False)

    def machine(self, name: str) -> Iterator[float | Process]:
        """The way through a whole machine."""
        yield from self.steps(definition_of_machine(name))

    def steps(self, machine: Mapping[str, Any]) -> Iterator[float | Process]:
        """The way through states from the first to an end, in seconds to wait and processes to wait for."""
        states, name = machine["States"], machine["StartAt"]
        while name:
            state = states[name]
            self.world.visited(self, name)
            self.lag += STATE_SECONDS
            if state["Type"] == "Choice":
                name = self._chosen(state)
            elif state["Type"] == "Wait":
                seconds = float(self._value(state["Seconds"]))
                self.lag += seconds
                self.polled += seconds
                name = state["Next"]
            elif state["Type"] == "Fail":
                self.failed = True
                break
            elif state["Type"] == "Map":
                yield from self._caught_up()
                yield from self.world.children(self, state)
                name = state.get("Next")
            elif state["Type"] == "Task":
                name = yield from self._called(name, state)
            else:
                if name.startswith("Increment"):
                    self.polls += 1
                name = state.get("Next")
        yield from self._caught_up()

    def _caught_up(self) -> Iterator[float]:
        lag, self.lag = self.lag, 0
        yield lag

    def _called(self, name: str, state: Mapping[str, Any]) -> Any:
        """The state after a call."""
        self.lag += CALL_SECONDS
        action = state["Resource"].rpartition(":")[2]
        if action == "describePipelineExecution":
            job = self.job
            assert job is not None
            ended = self.world.now() + self.lag >= job.ends_at
            self.status = ("Succeeded" if job.succeeds else "Failed") if ended else "Executing"
            return state["Next"]
        yield from self._caught_up()
        if action == "startPipelineExecution":
            self.job = self.world.start_job(self, state["Arguments"]["PipelineName"].strip("${}"), self.world.now())
            self.status, self.polls, self.polled, self.stopped = "Executing", 0, 0, False
        elif action == "runTask.sync":
            family = state["Arguments"]["TaskDefinition"].replace("${TaskFamilyPrefix}", "ndr-")
            task = self.world.start_job(self, family, self.world.now())
            yield task.ends_at - self.world.now()
            if not task.succeeds:
                self.status = "Failed"
                return state["Catch"][0]["Next"]
        elif action == "stopPipelineExecution" and self.job:
            self.stopped, self.polls, self.polled = True, 0, 0
            self.world.stop_job(self.job, self.world.now())
        elif state["Resource"].endswith("states:startExecution.sync:2"):
            child = Execution(self.world, self.account, self.windows, self.batch, self.batches)
            yield from child.machine(PUBLICATION)
            if child.failed:
                return state["Catch"][0]["Next"]
        elif name.startswith("Acquire") and "Publication" not in name and not self.world.acquire(self):
            self.lock_attempt += 1
            return state["Catch"][0]["Next"]
        elif name.startswith("Release"):
            self.world.release(self)
        elif name.startswith("Record") and "Failure" not in name:
            self.known = self.world.record(self)
        elif name.startswith("List") and "Batches" in name:
            self.world.collect(self)
        elif name.startswith("EmitPublication"):
            self.world.publish(self)
        return state.get("Next")

    def _chosen(self, state: Mapping[str, Any]) -> str:
        for rule in state["Choices"]:
            if self._holds(rule["Condition"]):
                return str(rule["Next"])
        return str(state["Default"])

    def _holds(self, condition: str) -> bool:
        if (decided := _truth(condition)) is not None:
            return decided(self)
        return bool(_counts(condition) and self._value(condition))

    def _value(self, expression: str) -> Any:
        return _evaluated(expression, self.status, self.polls, self.polled, self.stopped, self.lock_attempt)


TRUTHS: dict[str, Callable[[Execution], bool]] = {
    r"^\$(item_)?pipeline_status = 'Succeeded'$": lambda run: run.status == "Succeeded",
    r"^\$(item_)?pipeline_status in \['Failed', 'Stopped'\]$": lambda run: run.status == "Failed",
    r"^\$published and \$again and \$lock_attempt = 1$": lambda run: (
        run.world.published(run) and run.known and run.lock_attempt == 1
    ),
    r"^\$published$": lambda run: run.world.published(run),
    r"^\$count\(\$former_runs\) = 0$": lambda run: True,
    r"= 'tasks'$": lambda run: run.world.tasks,
    r"^\$length\(.*\) <= 256$": lambda run: True,
    r"^\$contains\('\$\{PipelineName15m\}', 'ndr-15m-streaming-fused'\)$": lambda run: run.world.fused,
}
"""Conditions, and when they hold."""


@cache
def _truth(condition: str) -> Callable[[Execution], bool] | None:
    text = condition.removeprefix("{%").removesuffix("%}").strip()
    return next((holds for pattern, holds in TRUTHS.items() if re.search(pattern, text)), None)


@cache
def _counts(condition: str) -> bool:
    return bool(re.search(r"poll_attempt >=|polled_seconds >=|\$lock_attempt \*", condition))


@cache
def _evaluated(expression: Any, status: str, polls: int, polled: float, stopped: bool, lock_attempt: int) -> Any:
    if not isinstance(expression, str):
        return expression
    polling = {"poll_attempt": polls, "polled_seconds": polled, "pipeline_stopped": stopped, "pipeline_status": status}
    known = {**polling, "orchestration": ORCHESTRATION}
    bindings = known | {f"item_{name}": value for name, value in known.items()} | {"lock_attempt": lock_attempt}
    return _parsed(expression).evaluate(None, bindings)


@cache
def _parsed(expression: str) -> Jsonata:
    return Jsonata.jsonata(expression.removeprefix("{%").removesuffix("%}").strip())


@cache
def definition_of_machine(name: str) -> Mapping[str, Any]:
    """The definition of a machine."""
    return definition_of(name)
