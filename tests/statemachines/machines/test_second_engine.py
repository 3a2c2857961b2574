"""The same cases on a second engine, moto's: the same states, attempts, ends, outputs; and what moto cannot do."""

from __future__ import annotations

import json

import pytest
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.eval.states import ExecutionData
from moto.stepfunctions.parser.asl.jsonata.jsonata import (
    IllegalJSONataVariableReference,
    eval_jsonata_expression,
    extract_jsonata_variable_references,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException
from moto.stepfunctions.parser.mocking.mock_config import load_mock_test_case_for

from statemachines.definitions import states_of
from tests.statemachines.machines.cases import cases
from tests.statemachines.machines.comparison import said, seen
from tests.statemachines.machines.samples import (
    BACKFILL,
    DEFINITIONS,
)
from tests.statemachines.machines.second_engine import Recorder, SecondEngine, readable

pytestmark = [pytest.mark.slow, pytest.mark.long]

FAIL_WITH_A_NAME_OF_THE_LANGUAGE = "moto lets no Fail state end with an error whose name starts with States."
EXCEPTED = {
    (BACKFILL, "no-object-of-ranges"): FAIL_WITH_A_NAME_OF_THE_LANGUAGE,
    (BACKFILL, "object-of-ranges-vanishes"): FAIL_WITH_A_NAME_OF_THE_LANGUAGE,
}
"""Cases that moto ends otherwise, and why."""


@pytest.fixture(scope="module")
def engine() -> SecondEngine:
    return SecondEngine()


@pytest.mark.parametrize("machine", DEFINITIONS)
def test_each_case_goes_the_same_way(engine: SecondEngine, machine: str) -> None:
    differing = {}
    for name, (situation, way) in cases(machine).items():
        run, _ = engine.run(situation)
        if (said(way), way.output) != (seen(run, way), run.output):
            differing[machine, name] = (said(way), seen(run, way))
    assert set(differing) == {case for case in EXCEPTED if case[0] == machine}, differing


def token(arguments: dict[str, str]) -> str:
    return arguments.get("ClientRequestToken") or arguments["Name"]


def tokens(recorder: Recorder, state: str) -> list[list[str]]:
    """The tokens of all attempts of a state, by execution."""
    return [[token(given) for given in made[state]] for made in recorder.arguments.values() if state in made]


STARTS = [
    (machine, path.rpartition("/")[2])
    for machine, definition in DEFINITIONS.items()
    for path, state in states_of(definition)
    if state["Type"] == "Task"
    and ("ClientRequestToken" in state["Arguments"] or {"StateMachineArn", "Name"} <= set(state["Arguments"]))
]


@pytest.mark.parametrize(("machine", "state"), STARTS)
def test_a_retried_start_has_the_token_of_the_first(engine: SecondEngine, machine: str, state: str) -> None:
    last = max(name for name in cases(machine) if name.startswith(f"{state}-retry-"))
    situation, _ = cases(machine)[last]
    _, recorder = engine.run(situation)
    attempts = tokens(recorder, state)
    assert attempts
    assert all(len(made) > 1 and len(set(made)) == 1 for made in attempts)


@pytest.mark.parametrize(("machine", "state"), [case for case in STARTS if not case[1].startswith("Stop")])
def test_another_execution_has_another_token(engine: SecondEngine, machine: str, state: str) -> None:
    situation, _ = cases(machine)["usual"]
    (_, first), (_, second) = engine.run(situation, "first"), engine.run(situation, "second")
    one, other = ({token for made in tokens(recorder, state) for token in made} for recorder in (first, second))
    assert one
    assert not one & other


def test_moto_still_evaluates_no_expression() -> None:
    with pytest.raises(TypeError):
        eval_jsonata_expression("1 + 1")


def test_moto_still_refuses_the_context_of_a_filter() -> None:
    with pytest.raises(IllegalJSONataVariableReference):
        extract_jsonata_variable_references("$items[$ > 1]")


def test_moto_still_reads_no_mock_configuration() -> None:
    assert load_mock_test_case_for("machine", "case") is None


def test_moto_still_reads_no_whole_percentage() -> None:
    definition = json.dumps(DEFINITIONS[BACKFILL])
    with pytest.raises(ASLParserException, match="ToleratedFailurePercentage"):
        AmazonStateLanguageParser.parse(definition)
    AmazonStateLanguageParser.parse(readable(definition))


def test_moto_still_fails_with_no_name_of_the_language() -> None:
    with pytest.raises(ValueError, match="MUST NOT begin with the prefix"):
        CustomErrorName("States.ItemReaderFailed")


def test_moto_still_counts_no_redrives() -> None:
    assert "RedriveCount" not in ExecutionData.__annotations__
