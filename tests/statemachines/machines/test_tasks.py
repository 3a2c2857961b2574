"""Machines whose jobs run as tasks: the commands are those of the pipelines, and failures lead where theirs do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.config.dynamodb import project_item
from pipelines.definitions import load
from statemachines.definitions import FUSED, MACHINES, definition_of, filled, pipelines, states_of
from tests.pipelines.resolution import command_line, resolve, values_of
from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import engines, passed, walk
from tests.statemachines.machines.samples import (
    BATCH,
    DEFINITIONS,
    HANDOVER,
    LIVE,
    LOCK,
    MESSAGES,
    MONTHLY,
    ORCHESTRATION,
    PLACEHOLDERS,
    PUBLICATION,
    START,
    TASK_ARN,
    TASK_FAILED,
    TASK_GROUP,
    TRAINING,
    ended_task,
)
from tests.statemachines.machines.situations import OF_TASKS, entry
from tests.statemachines.machines.walker import Script, StateError, Walk, Walker

TASKS = {
    LIVE: {"RunFeaturesTask": "Start15mFeaturesPipeline", "RunInferenceTask": "StartInferencePipeline"},
    HANDOVER: {"RunAlertsTask": "StartAlertsPipeline", "RunPageTask": "StartPagePipeline"},
    PUBLICATION: {"RunJoinTask": "StartPredictionJoinPipeline"},
    MONTHLY: {"RunInventoryTask": "StartMachineInventoryRefresh", "RunFGBTask": "StartFGBBaselinePipeline"},
    "sfn_ndr_backfill_reprocessing": {
        "RunExtractorTask": "StartHistoricalWindowsExtractorPipeline",
        "RunDeltaTask": "StartDeltaPipeline",
        "RunBackfillTask": "StartBackfillPipeline",
    },
    START: {"RunInferenceTask": "StartInferencePipeline", "RunJoinTask": "StartPredictionJoinPipeline"},
}
"""Each task, and the start of the pipeline in whose place it runs."""
CASES = [(machine, *pair) for machine, pairs in TASKS.items() for pair in pairs.items()]
FAMILIES = {
    "ndr-15m-streaming": "ndr-15m",
    FUSED: "ndr-15m",
    "ndr-delta-builder": "ndr-delta",
    "ndr-inference-predictions": "ndr-inference",
    "ndr-prediction-feature-join": "ndr-join",
    "ndr-page": "ndr-page",
    "ndr-alerts": "ndr-alerts",
    "ndr-machine-inventory-unload": "ndr-inventory-unload",
    "ndr-fg-b-baseline": "ndr-fg-b",
    "ndr-backfill-historical-extractor": "ndr-extractor",
}


def as_tasks(machine: str, **responses: Any) -> Walk:
    """The way of a machine whose project runs tasks, where these states answer otherwise than usual."""
    given = {"LoadProjectParametersFromDynamo": [OF_TASKS], **responses}
    return walk(Situation(machine, "tasks", MESSAGES[machine], given))


def arguments_of(way: Walk, state: str) -> dict[str, Any]:
    """What a state of a machine, or of the first child that has it, passed to its call."""
    found = [calls[0] for part in way.everywhere() for name, calls in part.arguments.items() if name.endswith(state)]
    assert found, state
    return dict(found[0])


def test_every_machine_that_starts_pipelines_of_one_step_runs_tasks_too() -> None:
    found = {
        machine: {path.rpartition("/")[2] for path, state in states_of(definition) if ":runTask" in str(state)}
        for machine in MACHINES
        if ":runTask" in json.dumps(definition := definition_of(machine))
    }
    maps = {"sfn_ndr_backfill_reprocessing": {"RunBackfillDeltas", "RunBackfillWindows"}}
    assert {machine: names - maps.get(machine, set()) for machine, names in found.items()} == {
        machine: set(pairs) for machine, pairs in TASKS.items()
    }
    assert TRAINING not in found


@pytest.mark.parametrize(("machine", "task", "start"), CASES)
def test_a_task_runs_what_the_pipeline_would(machine: str, task: str, start: str) -> None:
    by_pipeline = arguments_of(walk(Situation(machine, "usual", MESSAGES[machine])), start)
    run = arguments_of(as_tasks(machine), task)
    (override,) = run["Overrides"]["ContainerOverrides"]
    family = FAMILIES[by_pipeline["PipelineName"]]
    assert (run["TaskDefinition"], override["Name"]) == (family, family)
    given = {entry["Name"]: entry["Value"] for entry in by_pipeline["PipelineParameters"]}
    if by_pipeline["PipelineName"] == "ndr-15m-streaming":  # as a task, the features are made in one job
        given["LastStage"] = "fg-c"
    definition = load(FUSED if family == "ndr-15m" else by_pipeline["PipelineName"])
    needing = [entry for entry in definition["Parameters"] if "DefaultValue" in entry or entry["Name"] not in given]
    values = {**values_of({**definition, "Parameters": needing}, with_defaults=True), **given}
    (step,) = definition["Steps"]
    assert [family, *override["Command"]] == command_line(resolve(step, values))


def test_where_tasks_run_is_what_the_stack_says() -> None:
    run = arguments_of(as_tasks(PUBLICATION), "RunJoinTask")
    assert (run["Cluster"], run["LaunchType"]) == ("ndr", "FARGATE")
    assert run["NetworkConfiguration"]["AwsvpcConfiguration"] == {
        "Subnets": ["subnet-1", "subnet-2"],
        "SecurityGroups": ["sg-1"],
        "AssignPublicIp": "DISABLED",
    }


def test_tasks_of_a_window_are_found_by_its_lock() -> None:
    assert arguments_of(as_tasks(LIVE), "RunFeaturesTask")["Group"] == TASK_GROUP
    assert arguments_of(as_tasks(PUBLICATION), "RunJoinTask")["Group"] == TASK_GROUP
    way = as_tasks("sfn_ndr_backfill_reprocessing")
    assert {arguments_of(way, f"Run{work}Task")["Group"] for work in ("Delta", "Backfill")} == {TASK_GROUP}
    assert arguments_of(way, "RunExtractorTask")["Group"] != TASK_GROUP
    noted = arguments_of(as_tasks(LIVE), "RenewForFeatures")["ExpressionAttributeValues"]
    assert (noted[":task"], noted[":described"]) == ({"S": "ndr-15m"}, {"S": LOCK})
    without = walk(Situation(LIVE, "usual", MESSAGES[LIVE])).arguments["RenewForFeatures"][0]
    assert without["ExpressionAttributeValues"][":task"] == {"S": "none"}


@pytest.mark.parametrize(
    ("of_stack", "of_project", "runs_task"),
    [
        ("tasks", "auto", True),
        ("tasks", "pipelines", False),
        ("tasks", "tasks", True),
        ("tasks", None, True),
        ("pipelines", "auto", False),
        ("pipelines", "pipelines", False),
        ("pipelines", None, False),
    ],
)
def test_the_project_says_what_runs_its_jobs_or_else_the_stack(
    of_stack: str, of_project: str | None, runs_task: bool
) -> None:
    assert ("RunJoinTask" in published(of_stack, of_project).states) is runs_task


def test_a_project_of_tasks_is_rejected_where_the_stack_has_none() -> None:
    way = published("pipelines", "tasks")
    assert (way.error, way.states[-2]) == ("Ndr.InvalidInput", "RuntimeParamsChoice")
    assert "have runner=tasks, but the stack has Runner=pipelines" in way.cause


def published(of_stack: str, of_project: str | None) -> Walk:
    definition = json.loads(filled(PUBLICATION, {**PLACEHOLDERS, "Runner": of_stack}))
    settings = {name: value for name, value in {**ORCHESTRATION, "runner": of_project}.items() if value is not None}
    item = {"Item": project_item("acme", "v1", {}, settings)}
    situation = Situation(PUBLICATION, "runner", MESSAGES[PUBLICATION], {"LoadProjectParametersFromDynamo": [item]})
    script = Script(situation.all_responses(), situation.items_of())
    return Walker(PUBLICATION, definition, engines()).walk(situation.message, script)


def failed(exit_code: int | None, reason: str = "Essential container in task exited", **more: Any) -> StateError:
    return StateError("States.TaskFailed", json.dumps(ended_task(exit_code, reason, **more)))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            failed(1),
            "task ndr-join exited with 1: error: the disk is full, log stream ndr/ndr-join/{id}: "
            "Essential container in task exited ({arn})",
        ),
        (
            failed(137, Reason="OutOfMemoryError: container killed due to memory usage"),
            "task ndr-join exited with 137: error: the disk is full, log stream ndr/ndr-join/{id}: "
            "Essential container in task exited: OutOfMemoryError: container killed due to memory usage ({arn})",
        ),
        (
            failed(None, "CannotPullContainerError: not found"),
            "task ndr-join was not started: error: the disk is full, log stream ndr/ndr-join/{id}: "
            "CannotPullContainerError: not found ({arn})",
        ),
        (StateError("States.Timeout", ""), "task ndr-join was not finished in 60 s, and is stopped"),
        (
            StateError("AmazonECS.Unknown", "there is no capacity"),
            "task ndr-join was not run: AmazonECS.Unknown: there is no capacity",
        ),
    ],
)
def test_a_failure_names_the_task_its_end_and_its_log(error: StateError, cause: str) -> None:
    way = as_tasks(PUBLICATION, RunJoinTask=[error])
    assert way.error == "Ndr.TaskFailed"
    assert way.cause == cause.format(arn=TASK_ARN, id=TASK_ARN.rpartition("/")[2])


@pytest.mark.parametrize(
    "answer",
    [
        {"Events": []},
        {"Events": [{"Message": "an error: of others"}]},
        StateError("CloudWatchLogs.ResourceNotFoundException", "there is no such stream"),
    ],
)
def test_a_failure_without_an_error_in_the_log_names_the_log(answer: Any) -> None:
    way = as_tasks(PUBLICATION, RunJoinTask=[TASK_FAILED], ReadJoinTaskLog=[answer])
    assert way.cause.startswith("task ndr-join exited with 1, log stream ndr/ndr-join/")
    assert len(way.arguments["ReadJoinTaskLog"]) == 1


@pytest.mark.parametrize(("exit_code", "runs"), [(1, 4), (3, 1), (None, 1)])
def test_a_window_is_tried_without_a_batch_where_its_features_fail(exit_code: int | None, runs: int) -> None:
    listed = {"Items": [entry(path) for path in (BATCH, f"{BATCH}0", f"{BATCH}1")]}
    answers = [failed(exit_code), ended_task(0), failed(exit_code), ended_task(0)]
    way = as_tasks(LIVE, ListMiniBatchesOfWindow=[listed], RunFeaturesTask=answers)
    assert len(way.arguments["RunFeaturesTask"]) == runs
    assert ("SetBatchAside" in way.states) is (runs > 1)
    if runs > 1:
        assert way.output["set_aside"] == [f"{BATCH}0"]


def test_a_task_that_fails_is_not_run_again_by_itself() -> None:
    way = as_tasks(MONTHLY, RunFGBTask=[TASK_FAILED])
    assert len(way.arguments["RunFGBTask"]) == 1


def test_a_task_that_is_not_run_is_tried_again() -> None:
    errors = [StateError("AmazonECS.Unknown", "no capacity"), StateError("ECS.ThrottlingException", "slow down")]
    way = as_tasks(MONTHLY, RunFGBTask=[*errors, ended_task(0)])
    assert (way.status, len(way.arguments["RunFGBTask"])) == ("SUCCEEDED", 3)


def test_every_pipeline_of_one_step_that_machines_start_has_a_family() -> None:
    started = {name for name in pipelines(FUSED).values() if len(load(name)["Steps"]) == 1}
    assert started == set(FAMILIES) - {"ndr-15m-streaming"}
    assert {name for name in DEFINITIONS if name in TASKS} == set(TASKS)
    assert passed(walk(Situation(TRAINING, "usual", MESSAGES[TRAINING])), "StartTrainingPipeline")
