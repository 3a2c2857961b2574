"""The times of the machines fit each other: steps, polls, leases and machines, and histories stay short enough."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from common.budgets import REMEDIATION_SECONDS, START_SECONDS, STEP_SECONDS, UNDER_WINDOW_LOCK, budget_seconds
from common.config.orchestration import OrchestrationParameters
from common.config.project import ProjectParameters
from pipelines.definitions import load, names
from statemachines.definitions import MACHINES, definition_of, filled, states_of
from tests.statemachines.template import Template

FORMS = ("ndr-15m-streaming", "ndr-15m-streaming-fused")
MOST_EVENTS = 25_000
EVENTS = {"Task": 5, "Choice": 2, "Wait": 2, "Pass": 2}
"""The events of a state in a history: entered and exited, and of a task scheduled, started and succeeded too."""
TASK_EVENTS = 6 + 5 * 3
"""Of a task that is waited for, which is submitted too; each of five more attempts is scheduled, starts and fails."""
POLL_EVENTS = EVENTS["Task"] + EVENTS["Choice"] + EVENTS["Wait"] + EVENTS["Pass"]
STOP_POLLS = 20
TRIALS = 24
"""The whole window, 22 batches one after the other, and the window without those that failed."""


def parameters(poll_seconds: int = 30) -> dict[str, Any]:
    given: dict[str, Any] = {
        "lake_uri": "/lake",
        "ingestion_prefix": "s3://bucket/acme/emea",
        "poll_seconds": poll_seconds,
    }
    return OrchestrationParameters(**given).model_dump()


def starts(machine: str, form: str) -> Iterator[tuple[str, str]]:
    """Each pipeline that the machine starts, and the work whose polls follow."""
    definition = filled_definition(machine, form)
    states = {path.rpartition("/")[2]: state for path, state in states_of(definition)}
    for state in states.values():
        if state.get("Resource", "").endswith(":startPipelineExecution"):
            choice = states[states[state["Next"]]["Next"]]
            (work,) = set(re.findall(r"orchestration\.(\w+)_poll_attempts", str(choice)))
            yield state["Arguments"]["PipelineName"], work


def filled_definition(machine: str, form: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(filled(machine, Template(PipelineName15mParameter=form).outputs))
    return parsed


def longest_runs(pipeline: str) -> list[int]:
    """The longest run of each step of a pipeline, in seconds."""
    definition = load(pipeline)
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in definition["Parameters"]}
    bounds = [step["Arguments"]["StoppingCondition"]["MaxRuntimeInSeconds"]["Get"] for step in definition["Steps"]]
    return [int(defaults[bound.removeprefix("Parameters.")]) for bound in bounds]


CALLS = sorted({(machine, *call) for machine in MACHINES for form in FORMS for call in starts(machine, form)})


def polls(work: str, poll_seconds: int) -> int:
    """How often a pipeline is looked at until it is overdue, as the fragment `start_and_poll` waits."""
    count, polled = 0, 0
    limit = parameters(poll_seconds)[f"{work}_poll_attempts"] * poll_seconds
    while polled < limit:
        count, polled = count + 1, polled + max(poll_seconds, min(300, polled // 5))
    return count


def test_every_work_has_a_budget() -> None:
    assert {work for _, _, work in CALLS} == set(STEP_SECONDS)


@pytest.mark.parametrize(("machine", "pipeline", "work"), CALLS)
def test_polls_do_not_end_before_the_steps_may(machine: str, pipeline: str, work: str) -> None:
    attempts = parameters()[f"{work}_poll_attempts"]
    assert attempts * 30 >= sum(seconds + START_SECONDS for seconds in longest_runs(pipeline))


TASKS = sorted(
    {
        (
            state["Arguments"]["TaskDefinition"].replace("${TaskFamilyPrefix}", "ndr-"),
            re.findall(r"orchestration\.(\w+)_poll_attempts", state["TimeoutSeconds"])[0],
        )
        for machine in MACHINES
        for _, state in states_of(definition_of(machine))
        if state.get("Resource", "").endswith(":runTask.sync")
    }
)
RETRIES_SECONDS = 2 + 4 + 8 + 16 + 32


@pytest.mark.parametrize(("family", "work"), TASKS)
def test_a_task_has_the_time_of_its_job_and_ends_before_the_lease(family: str, work: str) -> None:
    found = parameters()
    seconds = found[f"{work}_poll_attempts"] * found["poll_seconds"]
    (pipeline,) = (name for name in names() if one_command(name) == family)
    assert seconds >= longest_runs(pipeline)[0] + START_SECONDS
    if work in UNDER_WINDOW_LOCK:
        assert found["lock_lease_seconds"] > RETRIES_SECONDS + seconds
    if work == "join":
        assert found["publication_lock_lease_seconds"] > RETRIES_SECONDS + seconds


def one_command(pipeline: str) -> str | None:
    """The command of a pipeline of one step."""
    steps = load(pipeline)["Steps"]
    return steps[0]["Arguments"]["AppSpecification"]["ContainerEntrypoint"][0] if len(steps) == 1 else None


@pytest.mark.parametrize(("pipeline", "work"), sorted({(pipeline, work) for _, pipeline, work in CALLS}))
def test_steps_are_given_the_time_of_the_table(pipeline: str, work: str) -> None:
    assert longest_runs(pipeline) == list(STEP_SECONDS["backfill" if pipeline == FORMS[1] else work])


@pytest.mark.parametrize("poll_seconds", [1, 30, 600])
def test_leases_outlast_the_polls_and_the_stop_of_what_is_overdue(poll_seconds: int) -> None:
    found = parameters(poll_seconds)
    for work in UNDER_WINDOW_LOCK:
        assert found["lock_lease_seconds"] > budget_seconds(work) + START_SECONDS
    assert found["publication_lock_lease_seconds"] > budget_seconds("join") + START_SECONDS


@pytest.mark.parametrize("machine", sorted({call[0] for call in CALLS}))
def test_a_machine_does_not_end_before_its_works_do(machine: str) -> None:
    seconds = sum(budget_seconds(work) for work in {work for name, _, work in CALLS if name == machine})
    if "15m" in machine:
        waited = 2 * parameters()["lock_lease_seconds"]
        seconds += waited + budget_seconds("join") + (TRIALS - 1) * budget_seconds("features")
    assert definition_of(machine)["TimeoutSeconds"] > seconds


def test_training_waits_for_a_backfill_no_longer_than_its_step_lasts() -> None:
    training = ProjectParameters().training
    assert training.backfill_poll_seconds * training.backfill_poll_attempts <= REMEDIATION_SECONDS
    (waiting,) = (step for step in load("ndr-if-training")["Steps"] if step["Name"] == "MissingFeatureCreationStep")
    cluster = waiting["Arguments"]["ProcessingResources"]["ClusterConfig"]
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in load("ndr-if-training")["Parameters"]}
    assert defaults[cluster["InstanceType"]["Get"].removeprefix("Parameters.")] == "ml.t3.medium"
    assert longest_runs("ndr-if-training")[1] > REMEDIATION_SECONDS


@pytest.mark.parametrize("runner", ["pipelines", "tasks"])
@pytest.mark.parametrize("poll_seconds", [1, 30])
@pytest.mark.parametrize("machine", sorted({call[0] for call in CALLS}))
def test_histories_are_short_enough_at_the_worst(machine: str, poll_seconds: int, runner: str) -> None:
    """The execution waits for its lock to the end, every poll that it may make is made, and every batch is tried."""
    found = parameters(poll_seconds)
    works = {work for name, _, work in CALLS if name == machine}
    # each state once, for what is neither polled nor waited for
    once = sum(EVENTS.get(state["Type"], 3) for _, state in states_of(definition_of(machine)))
    by_task = runner == "tasks" and "training" not in machine
    jobs = {work: TASK_EVENTS if by_task else (polls(work, poll_seconds) + STOP_POLLS) * POLL_EVENTS for work in works}
    # of what a former owner left, each look is two calls, two choices and a wait
    former = STOP_POLLS * (2 * EVENTS["Task"] + 2 * EVENTS["Choice"] + EVENTS["Wait"])
    events = once + former + sum(jobs.values())
    if "15m" in machine:
        pause = max(poll_seconds, -(-found["lock_lease_seconds"] // 200))
        waits = 2 * found["lock_lease_seconds"] // pause + 1
        # takes the lock, looks at the window, chooses, waits
        events += waits * (2 * EVENTS["Task"] + EVENTS["Choice"] + EVENTS["Wait"])
        # chooses the input, writes it, renews the lease, starts, polls, explains, chooses twice, takes the next batch
        around = 4 * EVENTS["Task"] + 3 * EVENTS["Choice"] + EVENTS["Pass"]
        tried = TASK_EVENTS if by_task else polls("features", poll_seconds) * POLL_EVENTS
        events += (TRIALS - 1) * (tried + around)
    assert events < MOST_EVENTS
