"""What the machines say of failures, and the tokens by which they start what they start."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from statemachines.definitions import states_of
from statemachines.lint.expressions import read
from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import cases, engines, walk, walked
from tests.statemachines.machines.jsonata_engines import QueryError
from tests.statemachines.machines.samples import (
    BACKFILL,
    DEFINITIONS,
    HANDOVER,
    LIVE,
    MESSAGES,
    POLLS,
    PUBLICATION,
    RANGES,
)
from tests.statemachines.machines.situations import polls, situations
from tests.statemachines.machines.walker import StateError, Walk

FAILED = {"PipelineExecutionStatus": "Failed", "FailureReason": "a step failed"}
STOP_POLLS = 20


def steps(*reasons: tuple[str, str | None]) -> dict[str, Any]:
    failed = [
        {"StepName": name, "StepStatus": "Failed", **({"FailureReason": reason} if reason else {})}
        for name, reason in reasons
    ]
    return {"PipelineExecutionSteps": [{"StepName": "First", "StepStatus": "Succeeded"}, *failed]}


@pytest.mark.parametrize(
    ("listed", "cause"),
    [
        (steps(("A", "no space")), "pipeline ndr-15m-streaming, step A: no space (arn:"),
        (steps(("A", None)), "pipeline ndr-15m-streaming, step A: no reason given (arn:"),
        (steps(("A", "x"), ("B", "y")), "pipeline ndr-15m-streaming, step A: x; step B: y (arn:"),
        (steps(), "pipeline ndr-15m-streaming, a step failed (arn:"),
        ({"PipelineExecutionSteps": []}, "pipeline ndr-15m-streaming, a step failed (arn:"),
    ],
)
def test_the_cause_names_pipeline_step_and_reason(listed: dict[str, Any], cause: str) -> None:
    way = walked(LIVE, MESSAGES[LIVE], Describe15mFeaturesPipeline=FAILED, ExplainFeaturesFailure=listed)
    assert way.error == "Ndr.PipelineFailed"
    assert way.cause.startswith(cause)


LOOKS = [(machine, *looks) for machine in DEFINITIONS for looks in polls(machine)]


def calls(machine: str, case: str, choice: str) -> list[dict[str, int]]:
    """How often each call was made, in each execution of a case that came to a choice."""
    _, way = cases(machine)[case]
    return [
        {name.rpartition("/")[2]: len(given) for name, given in part.arguments.items()}
        for part in way.everywhere()
        if any(name.endswith(choice) for name in part.states)
    ]


def tries(machine: str) -> int:
    """How often a machine runs a pipeline that fails."""
    return 3 if machine == HANDOVER else 1


@pytest.mark.slow
@pytest.mark.parametrize("status", ["Failed", "Stopped"])
@pytest.mark.parametrize(("machine", "choice", "describe"), LOOKS)
def test_a_pipeline_that_has_ended_is_not_looked_at_again(
    machine: str, choice: str, describe: str, status: str
) -> None:
    found = calls(machine, f"{choice}-{status}", choice)
    times = 2 if machine == BACKFILL and "Extractor" not in choice else 1
    assert [made[describe] for made in found] == [tries(machine)] * times
    assert not any(name.startswith("StopOverdue") for made in found for name in made)


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "choice", "describe"), LOOKS)
def test_an_overdue_pipeline_is_stopped_and_looked_at_until_it_has_ended(
    machine: str, choice: str, describe: str
) -> None:
    found = calls(machine, f"{choice}-overdue", choice)
    assert found
    for made in found:
        assert made[describe] == (1 + POLLS + STOP_POLLS) * tries(machine)
        assert sum(count for name, count in made.items() if name.startswith("StopOverdue")) == tries(machine)


def test_a_long_reason_is_cut() -> None:
    listed = steps(*((f"Step{number}", "x" * 900) for number in range(4)))
    way = walked(LIVE, MESSAGES[LIVE], Describe15mFeaturesPipeline=FAILED, ExplainFeaturesFailure=listed)
    assert len(way.cause) == 2000


def test_the_cause_of_a_failed_publication_is_its_own() -> None:
    for cause, expected in (
        (json.dumps({"Cause": "pipeline p, step S: r", "Status": "FAILED"}), "publication: pipeline p, step S: r"),
        ("Rate exceeded", "publication: Rate exceeded"),
        (json.dumps({"Status": "TIMED_OUT"}), 'publication: {"Status": "TIMED_OUT"}'),
    ):
        way = walked(LIVE, MESSAGES[LIVE], StartPredictionPublicationWorkflow=StateError("States.TaskFailed", cause))
        assert (way.error, way.cause) == ("Ndr.PublicationFailed", expected)


def tokens(way: Walk, state: str) -> list[str]:
    return [
        arguments.get("ClientRequestToken") or arguments["Name"]
        for part in way.everywhere()
        for arguments in part.arguments.get(state, [])
    ]


def test_an_overdue_pipeline_that_has_stopped_is_not_looked_at_again() -> None:
    running = {"PipelineExecutionStatus": "Executing"}
    stopped = {"PipelineExecutionStatus": "Stopped"}
    describes = {
        "Describe15mFeaturesPipeline": [running] * (1 + POLLS) + [{"PipelineExecutionStatus": "Stopping"}, stopped]
    }
    way = walk(Situation(LIVE, "overdue", MESSAGES[LIVE], {**describes, "ExplainFeaturesFailure": [steps()]}))
    assert len(way.arguments["Describe15mFeaturesPipeline"]) == 1 + POLLS + 2
    assert "not finished in 60 s" in way.cause


def test_each_trial_of_a_window_has_tokens_of_its_own() -> None:
    (way,) = [walk(one) for one in situations(LIVE) if one.name == "two-batches-fail"]
    states = ("Start15mFeaturesPipeline", "StartInferencePipeline", "StartPredictionPublicationWorkflow")
    found = list(itertools.chain.from_iterable(tokens(way, state) for state in states))
    assert len(found) == len(set(found)) == 6
    assert all(32 <= len(token) <= 80 for token in found)


def trials(way: Walk) -> list[list[str]]:
    """The batches of each features pipeline, by the last letter of their folders."""
    started = way.arguments["Start15mFeaturesPipeline"]
    given = ({entry["Name"]: entry["Value"] for entry in start["PipelineParameters"]} for start in started)
    return [[path[-1] for path in parameters["BatchS3Path"].split(",")] for parameters in given]


@pytest.mark.parametrize(
    ("case", "expected", "aside", "published"),
    [
        # 0 is proven; a is the own batch, 1 another
        ("own-batch-fails", ["a01", "a0", "01"], ["a"], "01"),
        ("two-batches-fail", ["a01", "a0", "01", "0"], ["a", "1"], "0"),
        ("another-batch-fails", ["a01", "a0", "a01", "a0"], ["1"], "a0"),
        ("no-batch-fails-alone", ["a01", "a0", "a01"], [], "a01"),
    ],
)
def test_the_batch_that_fails_is_set_aside_and_the_window_is_published_without_it(
    case: str, expected: list[str], aside: list[str], published: str
) -> None:
    (way,) = [walk(one) for one in situations(LIVE) if one.name == case]
    assert ["".join(trial) for trial in trials(way)] == expected
    keys = [given["Key"]["batch_key"]["S"][-1] for given in way.arguments.get("SetBatchAside", [])]
    assert keys == aside
    values = way.arguments["ReleaseMiniBatchLockOnSuccess"][0]["ExpressionAttributeValues"]
    assert "".join(path[-1] for path in values[":batches"]["SS"]) == published
    assert (way.error == "Ndr.BatchSetAside") == ("a" in aside)


def test_a_window_that_fails_without_the_new_batches_too_sets_none_aside() -> None:
    (way,) = [walk(one) for one in situations(LIVE) if one.name == "all-fails"]
    assert ["".join(trial) for trial in trials(way)] == ["a01", "a0", "01", "0"]
    assert "SetBatchAside" not in way.arguments
    assert way.arguments["RecordBatchFailure"][0]["ExpressionAttributeValues"][":cause"]["S"].startswith(way.error)


def test_each_range_of_a_backfill_has_tokens_of_its_own() -> None:
    way = walked(BACKFILL, MESSAGES[BACKFILL])
    found = [
        *tokens(way, "RunBackfillDeltas/StartDeltaPipeline"),
        *tokens(way, "RunBackfillWindows/StartBackfillPipeline"),
    ]
    assert len(found) == len(set(found)) == 2 * len(RANGES)


@pytest.mark.parametrize(
    ("machine", "path"),
    [
        (LIVE, "Start15mFeaturesPipeline"),
        (LIVE, "StartInferencePipeline"),
        (PUBLICATION, "StartPredictionJoinPipeline"),
        (BACKFILL, "RunBackfillDeltas/StartDeltaPipeline"),
        (BACKFILL, "RunBackfillWindows/StartBackfillPipeline"),
    ],
)
def test_no_pipeline_of_a_window_starts_after_the_end_of_the_lease(machine: str, path: str) -> None:
    """The next owner stops what runs by then; what starts later would run beside its own pipelines."""
    expression = DEFINITIONS[machine]["States"]
    for part in path.split("/"):
        expression = expression["ItemProcessor"]["States"][part] if "ItemProcessor" in expression else expression[part]
    described = expression["Arguments"]["PipelineExecutionDescription"][2:-2]
    context = {"context": {"Execution": {"Name": "one"}}}
    known = {"lock_id": "lock", "publication_id": "lock", "held": [{"id": "lock"}]}
    now = engines().evaluate("$millis()", {}, context)
    assert engines().evaluate(described, {**known, "lease_end": now + 60_000}, context) == "lock one"
    with pytest.raises(QueryError):
        engines().evaluate(described, {**known, "lease_end": now - 60_000}, context)


def test_no_token_depends_on_when_it_is_made() -> None:
    changing = {"millis", "now", "random", "uuid"}
    found = 0
    for _, state in itertools.chain.from_iterable(states_of(definition) for definition in DEFINITIONS.values()):
        if ":scheduler:" in state.get("Resource", ""):
            continue  # the name of a schedule
        arguments = state.get("Arguments", {})
        if isinstance(arguments, str):
            continue  # a list starts nothing
        for text in {arguments.get("ClientRequestToken"), arguments.get("Name")} - {None}:
            found += 1
            assert read(text[2:-2].strip()).functions & changing == set()
            assert "$states.context.State" not in text
    assert found == len([1 for definition in DEFINITIONS.values() for _ in starts(definition)])


def starts(definition: dict[str, Any]) -> list[str]:
    """The states that start or stop something."""
    verbs = (":startPipelineExecution", ":stopPipelineExecution", ":startExecution.sync:2", ":startExecution")
    return [path for path, state in states_of(definition) if state.get("Resource", "").endswith(verbs)]
