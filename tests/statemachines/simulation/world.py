"""The world around the executions: time, tables, objects, pipelines, the lake; and what is wrong with what they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from common.windows import Windows, iso_seconds
from tests.statemachines.machines.samples import LIVE, PUBLICATION
from tests.statemachines.machines.walker import STARTED
from tests.statemachines.simulation.compiled import Machine
from tests.statemachines.simulation.dynamodb import KEYS, Key
from tests.statemachines.simulation.extractor import extract
from tests.statemachines.simulation.jobs import FEATURES, NONE, SCORES, JobError, Lake, commit
from tests.statemachines.simulation.pipelines import STOPPED, STOPPING, SUCCEEDED, PipelineRun
from tests.statemachines.simulation.stepper import RUNNING, Execution, enter
from tests.statemachines.simulation.tasks import stop
from tests.statemachines.simulation.values import Val, val

ACCOUNT = "arn:aws:states:us-east-1:000000000000"
EPOCH = 1_773_149_000
"""The second at which a schedule begins: 2026-03-10T13:23:20Z."""


@dataclass
class World:
    """Everything that a schedule changes."""

    machines: Mapping[str, Machine]
    now: int = EPOCH
    tables: dict[str, dict[Key, Val]] = field(default_factory=lambda: {name: {} for name in KEYS})
    objects: dict[tuple[str, str], str] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    pipelines: dict[str, PipelineRun] = field(default_factory=dict)
    lake: Lake = field(default_factory=dict)
    commits: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    ticks: int = 0
    births: dict[str, int] = field(default_factory=dict)
    damaged: Mapping[str, int] = field(default_factory=dict)
    claimed: frozenset[str] = frozenset()
    late_start: bool = False
    violations: tuple[str, ...] = ()
    log: list[str] | None = None
    recorded: bool = False

    def __post_init__(self) -> None:
        from tests.statemachines.simulation.services import WorldServices

        self.services = WorldServices(self)

    def copy(self) -> World:
        """A world that goes on by itself."""
        return replace(
            self,
            tables={name: dict(items) for name, items in self.tables.items()},
            objects=dict(self.objects),
            executions={arn: one.copy() for arn, one in self.executions.items()},
            pipelines={arn: run.copy() for arn, run in self.pipelines.items()},
            lake=dict(self.lake),
            commits=dict(self.commits),
            births=dict(self.births),
            log=None if self.log is None else list(self.log),
        )

    def key(self) -> tuple[Any, ...]:
        """What tells apart two worlds in what can still happen."""
        return (
            self.now,
            tuple(sorted((arn, one.key()) for arn, one in self.executions.items())),
            tuple(sorted(run.key() for run in self.pipelines.values())),
            tuple(frozenset((key, item.id) for key, item in items.items()) for items in self.tables.values()),
            frozenset(self.lake.items()),
        )

    def say(self, who: str, what: Callable[[], str]) -> None:
        """Writes down what happened, if anybody reads it."""
        if self.log is not None:
            self.log.append(f"{self.now - EPOCH:6d} s  {who}: {what()}")

    def blame(self, what: str) -> None:
        """Something is wrong."""
        self.violations += (what,)
        self.say("!!", lambda: what)

    # executions

    def start(self, machine: str, name: str, message: Any, parent: str | None = None) -> Execution:
        """A new execution, at its first boundary."""
        arn = f"{ACCOUNT}:execution:{machine}:{name}"
        return self.begin(arn, name, self.machines[machine], val(message), parent)

    def begin(self, arn: str, name: str, machine: Machine, message: Val, parent: str | None) -> Execution:
        """A new execution of this ARN, at its first boundary."""
        assert arn not in self.executions, arn
        context = context_of(arn, name, message)
        execution = Execution(arn, name, machine, context, message, self.now, parent, wake=self.now)
        if self.recorded:
            execution.way, execution.answers = (), ()
        self.executions[arn] = execution
        self.say(short(arn), lambda: "starts")
        enter(execution, self.services, machine.start, message)
        self.say_state(execution)
        return execution

    def say_state(self, execution: Execution) -> None:
        """Writes down where an execution is."""
        if execution.status == RUNNING:
            self.say(short(execution.arn), lambda: f"is at {execution.state}")
        else:
            self.claimed |= self._claims(execution)
            self.say(short(execution.arn), lambda: f"{execution.status} {said(execution)}")

    def _claims(self, execution: Execution) -> frozenset[str]:
        """The batches that an execution says are done, when it ends."""
        if execution.status != "SUCCEEDED" or execution.output is None:
            return frozenset()
        output = execution.output.value
        if execution.machine.name == PUBLICATION:
            window = execution.message.value["batch_end_ts_iso"]
            return self.lake.get((window, "prediction_join"), NONE).batches
        if execution.machine.name == LIVE and output["status"] != "IGNORED":
            return frozenset([*output.get("batches", []), execution.message.value["batch_s3_path"].rstrip("/")])
        return frozenset()

    def end(self, execution: Execution, status: str, with_children: bool) -> None:
        """Ends an execution from outside: ABORTED by a stop, CRASHED where it vanishes."""
        if with_children:
            for arn in execution.children:
                if arn in self.pipelines:
                    stop(self.pipelines[arn], self.now)
                elif self.executions[arn].status == RUNNING:
                    self.end(self.executions[arn], status, with_children)
        execution.status, execution.children = status, ()
        self.say_state(execution)

    # pipelines, and tasks in their place

    def waits(self, execution: Execution) -> bool:
        """Whether an execution waits for others; one that waits for a task goes on when this ends, or has had its time.

        The end of a task wakes its execution.
        """
        runs = [self.pipelines[arn] for arn in execution.children if arn in self.pipelines]
        if runs and not any(run.active for run in runs):
            execution.wake = min(execution.wake, self.now)
        return not runs and any(self.executions[arn].status == RUNNING for arn in execution.children)

    def add(self, run: PipelineRun) -> None:
        """A pipeline begins."""
        self.ticks += 1
        self.births[run.arn] = self.ticks
        self.pipelines[run.arn] = run

    def advance(self, run: PipelineRun) -> None:
        """The next commit of a pipeline, and its end after the last."""
        if run.pipeline == "ndr-backfill-historical-extractor":
            extract(run.parameters, self.tables["batch_index"], self.objects)
            run.status = SUCCEEDED
            return
        name, command, table = run.steps[run.position]
        given = self.batches_of(run)
        if command == "ndr-delta" and self._refuses(run, name, table, frozenset().union(*given.values())):
            return
        try:
            contents = {
                window: commit(self.lake, window, table, given.get(window, frozenset()), run.arn)
                for window in run.windows
            }
        except JobError as error:
            run.fail(name, f"AlgorithmError: {error}")
            self.say(run.label, lambda: f"fails: {run.reason}")
            return
        for window, content in contents.items():
            self._check_commit(run, window, table, content.batches)
            self.lake[window, table] = content
        held = ", ".join(f"{window[11:16]}: {shown(content.batches)}" for window, content in contents.items())
        self.say(run.label, lambda: f"commits {table} of {held}")
        run.position += 1
        if run.status == STOPPING:
            run.status = STOPPED
        elif run.position == len(run.steps):
            run.status = SUCCEEDED

    def _refuses(self, run: PipelineRun, step: str, table: str, given: frozenset[str]) -> bool:
        """Whether a damaged batch ends the run here: its files cannot be read, or too many of its records rejected."""
        bad = sorted(batch for batch in given if self.damaged.get(batch, 0) == WRITES_BEFORE.get(table))
        gone = sorted(batch for batch in given if not self.exists(batch))
        if not bad and not gone:
            return False
        run.fail(step, f"AlgorithmError: error: {(gone or bad)[0]}: it cannot be read")
        self.say(run.label, lambda: f"fails: batch {shown((gone or bad)[:1])}")
        return True

    def exists(self, batch: str) -> bool:
        """Whether the folder of a batch has an object."""
        bucket, _, prefix = batch.removeprefix("s3://").partition("/")
        return any(held == bucket and key.startswith(f"{prefix}/") for held, key in self.objects)

    def batches_of(self, run: PipelineRun) -> dict[str, frozenset[str]]:
        """The batches that a run was given for each window, as text or as an object that lists them."""
        text = run.parameters.get("BatchS3Path", "")
        if text.startswith("@s3://"):
            bucket, _, key = text.removeprefix("@s3://").partition("/")
            text = self.objects[bucket, key].replace("\n", ",")
        found: dict[str, set[str]] = {}
        for entry in filter(None, text.split(",")):
            window, tab, path = entry.rpartition("\t")
            end = iso_seconds(Windows.parse(window).end) if tab else run.window
            found.setdefault(end, set()).add(path)
        return {window: frozenset(paths) for window, paths in found.items()}

    def _check_commit(self, run: PipelineRun, window: str, table: str, batches: frozenset[str]) -> None:
        """Writes the commit down, and checks it.

        Not so after a late start: between the check of a lock and the start of a pipeline under it, a lease can end
        unnoticed. That cannot be excluded, and what follows from it must be mended by the end.
        """
        self.ticks += 1
        done = self.commits.get(window, ())
        others = [arn for arn, tick in done if arn != run.arn and tick > self.births[run.arn]]
        if others and not self.late_start:
            other = self.pipelines[others[-1]].label
            self.blame(f"two pipelines write window {window} at once: {run.label} commits {table} after {other}")
        self.commits[window] = (*done, (run.arn, self.ticks))
        if table in FEATURES + SCORES:
            lost = self.lake.get((window, table), NONE).batches - batches
            if lost & self.claimed and not self.late_start:
                self.blame(f"{run.label} drops {shown(lost & self.claimed)} from {table} of window {window}")


WRITES_BEFORE = {"sessions_rejected": 1, "delta_pair": 2}
"""Before which commit the job of a damaged batch ends, by the kind of damage."""


def context_of(arn: str, name: str, message: Val) -> dict[str, Any]:
    """What `$states.context` of an execution is."""
    return {"Execution": {"Id": arn, "Name": name, "Input": message, "StartTime": STARTED, "RedriveCount": 0}}


def short(arn: str) -> str:
    """The name of an execution, short enough for a line."""
    machine, name = arn.split(":")[-2:]
    kind = {"publication": "pub", "inference": "live", "reprocessing": "backfill"}.get(
        machine.split("/")[0].rpartition("_")[2], machine
    )
    return f"{kind} {name[:16]}" if "/" not in machine else f"{machine.rpartition('/')[2]} {name}"


def said(execution: Execution) -> str:
    """How an execution ended, in a line."""
    if execution.status == "SUCCEEDED" and execution.output is not None:
        output = execution.output.value
        return str(output.get("status", output)) if isinstance(output, dict) else str(output)
    return f"{execution.error}: {execution.cause}"[:200]


def shown(batches: Any) -> str:
    """Batches by their last names."""
    return "{" + ", ".join(sorted("/".join(batch.split("/")[-5:-4] + batch.split("/")[-1:]) for batch in batches)) + "}"
