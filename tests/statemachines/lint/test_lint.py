"""The lint sees each kind of problem, where it is, and nothing in what is right."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from statemachines.cli import main
from statemachines.definitions import MACHINES, definition_of
from statemachines.lint.lint import lint
from tests.statemachines.lint.lint_cases import DONE, FLOW, VARIABLES, State, choice, inline, machine, passing
from tests.statemachines.lint.lint_expression_cases import EXPRESSIONS, FIELDS, RIGHT, STATES


def found(definition: State) -> list[str]:
    return [str(problem) for problem in lint(definition)]


@pytest.mark.slow
@pytest.mark.parametrize("name", MACHINES)
def test_our_machines_have_no_problem(name: str) -> None:
    assert found(definition_of(name)) == []


@pytest.mark.parametrize(
    ("definition", "problems"),
    [pytest.param(*case, id=name) for name, case in {**FLOW, **VARIABLES, **STATES, **EXPRESSIONS, **FIELDS}.items()],
)
def test_a_broken_definition_has_exactly_this_problem(definition: State, problems: list[str]) -> None:
    seen = found(definition)
    assert len(seen) == len(problems)
    assert [problem[: len(expected)] for problem, expected in zip(seen, problems, strict=True)] == problems


@pytest.mark.parametrize("state", [pytest.param(state, id=name) for name, state in RIGHT.items()])
def test_what_aws_accepts_is_no_problem(state: State) -> None:
    assert found(machine(A=state)) == []


def test_an_inline_map_sees_the_variables_around_it() -> None:
    inner = inline({"Inner": passing(Assign={"y": "{% $x %}"})}, End=True)
    assert found(machine(A=passing(Assign={"x": 1}, Next="B"), B=inner)) == []


def test_a_variable_that_a_loop_assigns_is_known_before_only_if_assigned_before() -> None:
    looping = choice({"Condition": "{% $n < 3 %}", "Assign": {"n": "{% $n + 1 %}"}, "Next": "A"})
    assert found(machine(Start=passing(Assign={"n": 0}, Next="A"), A=looping, Done=DONE)) == []
    assert found(machine(A=looping, Done=DONE)) == [
        "A.Choices[0].Condition: uses $n, which is not assigned on every way here",
        "A.Choices[0].Assign.n: uses $n, which is not assigned on every way here",
    ]


@pytest.mark.slow
def test_the_command_prints_problems_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(main, ["lint"]).exit_code == 0
    broken = machine(A=passing(Output="{% $missing %}"))
    monkeypatch.setattr("statemachines.cli.definition_of", lambda name: broken)
    result = CliRunner().invoke(main, ["lint"])
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == len(MACHINES)
    assert "sfn_ndr_training_orchestrator: A.Output: uses $missing" in result.output
