"""Cases that take every state, rule, catcher and retrier: situations, and situations with errors thrown into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from statemachines.definitions import definition_of, states_of
from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.jsonata_engines import BothEngines, NodeEngine, PythonEngine, has_node
from tests.statemachines.machines.samples import (
    DEFINITIONS,
)
from tests.statemachines.machines.situations import situations
from tests.statemachines.machines.walker import Response, Script, StateError, Walk, Walker

SERVICE_ERRORS = {
    "dynamodb": "DynamoDB.ProvisionedThroughputExceededException",
    "aws-sdk:dynamodb": "DynamoDb.ProvisionedThroughputExceededException",
    "aws-sdk:sagemaker": "SageMaker.SageMakerException",
    "aws-sdk:s3": "S3.S3Exception",
    "aws-sdk:scheduler": "Scheduler.SchedulerException",
    "aws-sdk:sfn": "Sfn.SfnException",
    "aws-sdk:cloudwatchlogs": "CloudWatchLogs.CloudWatchLogsException",
    "aws-sdk:ecs": "Ecs.EcsException",
    "ecs": "ECS.ClientException",
    "events": "EventBridge.EventBridgeException",
    "glue": "Glue.GlueException",
    "sns": "SNS.SnsException",
    "states": "StepFunctions.AWSStepFunctionsException",
}
MOST_RETRIES = 5

Taken = tuple[str, str, int]


@cache
def engines() -> BothEngines:
    """The engines of expressions that are here."""
    return BothEngines([PythonEngine(), NodeEngine()] if has_node() else [PythonEngine()])


def walk(situation: Situation) -> Walk:
    """The way that a situation leads, as the language says."""
    walker = Walker(situation.machine, DEFINITIONS[situation.machine], engines())
    return walker.walk(situation.message, Script(situation.all_responses(), situation.items_of()))


def walked(machine: str, message: Any, **responses: Any) -> Walk:
    """The way of a message where these states answer otherwise than usual, each with one response."""
    return walk(Situation(machine, "table", message, {name: [response] for name, response in responses.items()}))


def passed(way: Walk, state: str) -> dict[str, Any]:
    """The parameters that a state passed to its pipeline."""
    return {entry["Name"]: entry["Value"] for entry in way.arguments[state][0]["PipelineParameters"]}


@cache
def cases(machine: str) -> Mapping[str, tuple[Situation, Walk]]:
    """All cases of a machine, and their ways, by name."""
    by_hand = [(situation, walk(situation)) for situation in situations(machine)]
    derived = [(situation, walk(situation)) for situation in _derived(machine, by_hand)]
    return {situation.name: (situation, way) for situation, way in [*by_hand, *derived]}


def _derived(machine: str, by_hand: Sequence[tuple[Situation, Walk]]) -> Iterator[Situation]:
    """For each call the first situation that makes it, with each error of its retriers and catchers thrown."""
    for path, state in states_of(DEFINITIONS[machine]):
        if state["Type"] != "Task":
            continue
        name = path.rpartition("/")[2]
        through = next((situation for situation, way in by_hand if path in _visited(way)), None)
        assert through, f"no situation of {machine} leads to {path}: add one to situations.py"
        responses = through.all_responses()[name]
        for number, retrier in enumerate(state.get("Retry", [])):
            errors = retrier["ErrorEquals"] if retrier.get("MaxAttempts", 3) else retrier["ErrorEquals"][:1]
            thrown = [_error(state, [*state["Retry"][:number], retrier], error) for error in errors]
            assert len(thrown) <= retrier.get("MaxAttempts", 3) or len(thrown) == 1
            yield through.but(f"{name}-retry-{number}", responses={name: [*thrown, *responses]})
        for number, catcher in enumerate(state.get("Catch", [])):
            thrown = [_error(state, state["Catch"][: number + 1], catcher["ErrorEquals"][0])]
            # what is not tried again is thrown once, so that waiting for a lock ends
            more = responses if _is_final(state, thrown[0].error) else []
            yield through.but(f"{name}-catch-{number}", responses={name: [*thrown, *more]})


def _is_final(state: Mapping[str, Any], error: str) -> bool:
    """Whether a state's first retrier for an error makes no further attempt."""
    retriers = [retrier for retrier in state.get("Retry", []) if error in retrier["ErrorEquals"]]
    return bool(retriers) and retriers[0].get("MaxAttempts") == 0


def _error(state: Mapping[str, Any], rules: Sequence[Mapping[str, Any]], wanted: str) -> StateError:
    """An error that the last of the rules takes: the one wanted, or one of the service for a name that means many."""
    service = state["Resource"].removeprefix("arn:aws:states:::").rpartition(":")[0]
    service = service.removesuffix(":startExecution.sync")
    named = wanted if wanted not in ("States.ALL", "States.TaskFailed") else SERVICE_ERRORS[service]
    assert not any(named in rule["ErrorEquals"] for rule in rules[:-1]), f"{named} is taken by an earlier rule"
    return StateError(named, f"{named} as thrown")


def _visited(way: Walk) -> set[str]:
    return {name for part in way.everywhere() for name in part.states}


def demanded(machine: str) -> set[Taken]:
    """Everything that can be taken in a machine: its rules and their default, its retriers, its catchers.

    Choices that deployment decides are left out: `test_forms.py` takes them.
    """
    found: set[Taken] = set()
    for path, state in states_of(definition_of(machine)):
        if any("${PipelineName15m}" in rule["Condition"] for rule in state.get("Choices", [])):
            continue
        for kind, key in (("rule", "Choices"), ("retrier", "Retry"), ("catcher", "Catch")):
            found |= {(path, kind, number) for number in range(len(state.get(key, [])))}
        if "Default" in state:
            found.add((path, "rule", -1))
    return found


def taken(ways: Sequence[Walk]) -> set[Taken]:
    """What was taken in any of the ways, and in those of their children."""
    return {item for way in ways for part in way.everywhere() for item in part.taken}


def visited(ways: Sequence[Walk]) -> set[str]:
    """The states of all ways and their children."""
    return {name for way in ways for name in _visited(way)}


def responses_of(situation: Situation) -> dict[str, dict[str, Any]]:
    """The responses of a situation in the form of Step Functions Local, by state and attempt; the last for ever."""
    return {name: _numbered(responses) for name, responses in situation.all_responses().items()}


def _numbered(responses: Sequence[Response]) -> dict[str, Any]:
    last = len(responses) - 1
    return {
        str(number) if number < last else f"{number}-999": (
            {"Throw": {"Error": response.error, "Cause": response.cause}}
            if isinstance(response, StateError)
            else {"Return": response}
        )
        for number, response in enumerate(responses)
    }
