"""The lint sees each kind of problem, where it is, and nothing in what is right."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from statemachines.cli import main
from statemachines.definitions import MACHINES, definition_of
from statemachines.lint import lint

State = dict[str, Any]


def machine(**states: State) -> State:
    return {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}


def task(**fields: Any) -> State:
    return {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Arguments": {}, **fields}


def passing(**fields: Any) -> State:
    return {"Type": "Pass", **({} if "Next" in fields else {"End": True}), **fields}


def choice(*rules: State, **fields: Any) -> State:
    return {"Type": "Choice", "Choices": list(rules), "Default": "Done", **fields}


def distributed(inner: State, **fields: Any) -> State:
    mode = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    return {"Type": "Map", "ItemProcessor": {**mode, "StartAt": next(iter(inner)), "States": inner}, **fields}


def inline(inner: State, **fields: Any) -> State:
    return {"Type": "Map", "ItemProcessor": {"StartAt": next(iter(inner)), "States": inner}, **fields}


DONE: State = {"Type": "Succeed"}
CATCH = {"ErrorEquals": ["States.ALL"], "Next": "Done"}


def found(definition: State) -> list[str]:
    return [str(problem) for problem in lint(definition)]


@pytest.mark.parametrize("name", MACHINES)
def test_our_machines_have_no_problem(name: str) -> None:
    assert found(definition_of(name)) == []


FLOW = {
    "a target that is missing": (
        machine(A=passing(Next="Nowhere")),
        ["A: goes on to Nowhere, which does not exist"],
    ),
    "a target of a catcher that is missing": (
        machine(A=task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Nowhere"}], End=True)),
        ["A: goes on to Nowhere, which does not exist"],
    ),
    "a state that nothing leads to": (
        machine(A=passing(), Lost=passing()),
        ["Lost: cannot be reached"],
    ),
    "a target outside of the map": (
        machine(A=inline({"Inner": passing(Next="Done")}, Next="Done"), Done=DONE),
        ["A/Inner: goes on to Done, which does not exist"],
    ),
}

VARIABLES = {
    "a variable that nobody assigns": (
        machine(A=passing(Output="{% $missing %}")),
        ["A.Output: uses $missing, which is not assigned on every way here"],
    ),
    "a variable assigned on one of two ways": (
        machine(
            A=choice({"Condition": "{% $states.input.x %}", "Assign": {"x": 1}, "Next": "Done"}),
            Done={"Type": "Succeed", "Output": "{% $x %}"},
        ),
        ["Done.Output: uses $x, which is not assigned on every way here"],
    ),
    "a variable that only the way without error assigns": (
        machine(
            A=task(Assign={"x": "{% $states.result %}"}, Catch=[CATCH], Next="Done"),
            Done={"Type": "Succeed", "Output": "{% $x %}"},
        ),
        ["Done.Output: uses $x, which is not assigned on every way here"],
    ),
    "a variable of the same Assign": (
        machine(A=passing(Assign={"x": 1, "y": "{% $x + 1 %}"})),
        ["A.Assign.y: uses $x, which is not assigned on every way here"],
    ),
    "a variable of the Assign in the Output beside it": (
        machine(A=passing(Assign={"x": 1}, Output="{% $x %}")),
        ["A.Output: uses $x, which is not assigned on every way here"],
    ),
    "a state's own Assign in a rule that it does not hold for": (
        machine(
            A=choice({"Condition": "{% true %}", "Next": "B"}, Assign={"x": 1}),
            B=passing(Output="{% $x %}"),
            Done=DONE,
        ),
        ["B.Output: uses $x, which is not assigned on every way here"],
    ),
    "a variable from outside in a distributed map": (
        machine(A=passing(Assign={"x": 1}, Next="B"), B=distributed({"Inner": passing(Output="{% $x %}")}, End=True)),
        ["B/Inner.Output: uses $x, which is not assigned on every way here"],
    ),
    "a variable from inside a map": (
        machine(
            A=inline({"Inner": passing(Assign={"x": 1})}, Next="B"),
            B=passing(Output="{% $x %}"),
        ),
        ["B.Output: uses $x, which is not assigned on every way here"],
    ),
    "a name that is taken outside": (
        machine(
            A=passing(Assign={"x": 1}, Next="B"),
            B=distributed({"Inner": passing(Assign={"x": 2})}, End=True),
        ),
        ["B: assigns $x inside, which is assigned outside too: names must differ"],
    ),
    "the reserved name": (
        machine(A=passing(Assign={"states": 1})),
        ["A: assigns $states, which is reserved"],
    ),
    "the reserved name in a rule": (
        machine(A=choice({"Condition": "{% true %}", "Assign": {"states": 1}, "Next": "Done"}), Done=DONE),
        ["A: assigns $states, which is reserved"],
    ),
    "a name that starts with a digit": (
        machine(A=passing(Assign={"1st": 1})),
        ["A: assigns $1st, which is no name: letters, digits and _, a letter first"],
    ),
    "a name that starts with an underscore": (
        machine(A=passing(Assign={"_x": 1})),
        ["A: assigns $_x, which is no name: letters, digits and _, a letter first"],
    ),
    "a name with a dash": (
        machine(A=passing(Assign={"a-b": 1})),
        ["A: assigns $a-b, which is no name: letters, digits and _, a letter first"],
    ),
    "a name that is too long": (
        machine(A=passing(Assign={"x" * 81: 1})),
        [f"A: assigns ${'x' * 81}, which has more than 80 letters"],
    ),
}

STATES = {
    "a result in the arguments": (
        machine(A=task(Arguments={"Key": "{% $states.result.x %}"}, End=True)),
        ["A.Arguments.Key: uses $states.result, which does not exist here"],
    ),
    "a result in a Pass": (
        machine(A=passing(Assign={"x": "{% $states.result %}"})),
        ["A.Assign.x: uses $states.result, which does not exist here"],
    ),
    "a result in a Choice": (
        machine(A=choice({"Condition": "{% $states.result = 1 %}", "Next": "Done"}), Done=DONE),
        ["A.Choices.Condition: uses $states.result, which does not exist here"],
    ),
    "a result in a Succeed": (
        machine(A={"Type": "Succeed", "Output": "{% $states.result %}"}),
        ["A.Output: uses $states.result, which does not exist here"],
    ),
    "a result in a catcher": (
        machine(A=task(Catch=[{**CATCH, "Assign": {"x": "{% $states.result %}"}}], Next="Done"), Done=DONE),
        ["A.Catch.Assign.x: uses $states.result, which does not exist here"],
    ),
    "an error outside of a catcher": (
        machine(A=task(Output="{% $states.errorOutput %}", End=True)),
        ["A.Output: uses $states.errorOutput, which does not exist here"],
    ),
    "a field that $states does not have": (
        machine(A=passing(Output="{% $states.outputs %}")),
        ["A.Output: uses $states.outputs, which does not exist here"],
    ),
}

EXPRESSIONS = {
    "the coalescing operator": (
        machine(A=passing(Output="{% $states.input.x ?? 1 %}")),
        ["A.Output: uses ??, which JSONata 2.0.6 does not have"],
    ),
    "the default operator": (
        machine(A=passing(Output="{% $states.input.x ?: 1 %}")),
        ["A.Output: uses ?:, which JSONata 2.0.6 does not have"],
    ),
    "both after a division and a string": (
        machine(A=passing(Output="{% $states.input.x / 2 ?: $states.input.y / '/' ?? 1 %}")),
        ["A.Output: uses ?: and ??, which JSONata 2.0.6 does not have"],
    ),
    "no expression": (
        machine(A=passing(Output="{% $states.input( %}")),
        ["A.Output: is no JSONata: "],
    ),
    "a function that does not exist": (
        machine(A=passing(Output="{% $median($states.input) %}")),
        ["A.Output: calls $median, which Step Functions does not have"],
    ),
    "$eval": (
        machine(A=passing(Output="{% $eval($states.input) %}")),
        ["A.Output: calls $eval, which Step Functions does not have"],
    ),
    "the input document": (
        machine(A=passing(Output="{% $.x %}")),
        ["A.Output: uses $ of the input document, which is not given: name it with $states.input"],
    ),
    "the input document inside a filter": (
        machine(A=passing(Output="{% $states.input.x[$ = $$.y] %}")),
        ["A.Output: uses $$ of the input document, which is not given: name it with $states.input"],
    ),
    "a bare name": (
        machine(A=passing(Output="{% $states.input.x & total.y %}")),
        ["A.Output: uses total of the input document, which is not given: name it with $states.input"],
    ),
    "a bare name in a function": (
        machine(A=passing(Output="{% $map($states.input.x, function($v) { $v & y }) %}")),
        ["A.Output: uses y of the input document, which is not given: name it with $states.input"],
    ),
    "an expression inside a text": (
        machine(A=passing(Output={"x": ["no {% $states.input %}"]})),
        ["A: Output.x[0] is 'no {% $states.input %}': an expression is the whole text, from {% to %}"],
    ),
    "an expression without end": (
        machine(A=passing(Output="{% $states.input")),
        ["A: Output is '{% $states.input': an expression is the whole text, from {% to %}"],
    ),
}

FIELDS = {
    "Output in a Fail": (
        machine(A={"Type": "Fail", "Error": "x", "Cause": "y", "Output": {}}),
        ["A: has Output, which a Fail state cannot have"],
    ),
    "Assign in a Fail": (
        machine(A={"Type": "Fail", "Error": "x", "Cause": "y", "Assign": {}}),
        ["A: has Assign, which a Fail state cannot have"],
    ),
    "Assign in a Succeed": (
        machine(A={"Type": "Succeed", "Assign": {}}),
        ["A: has Assign, which a Succeed state cannot have"],
    ),
    "Result in a Pass": (
        machine(A=passing(Result={})),
        ["A: has Result, which a Pass state cannot have"],
    ),
    "Arguments in a rule": (
        machine(A=choice({"Condition": "{% true %}", "Arguments": {}, "Next": "Done"}), Done=DONE),
        ["A: has a rule with Arguments, which rules cannot have"],
    ),
    "another query language": (
        machine(A=passing(QueryLanguage="JSONPath")),
        ["A: has the query language JSONPath, which a JSONata machine cannot go back to"],
    ),
    "a retrier behind the one for all errors": (
        machine(A=task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["States.Timeout"]}], End=True)),
        ["A: Retry has States.ALL before others or beside others: it must be last and alone"],
    ),
    "an error that does not exist": (
        machine(A=task(Catch=[{"ErrorEquals": ["States.TimedOut"], "Next": "Done"}], Next="Done"), Done=DONE),
        ["A: Catch has States.TimedOut, which is no error of Step Functions"],
    ),
}


@pytest.mark.parametrize(
    ("definition", "problems"),
    [pytest.param(*case, id=name) for name, case in {**FLOW, **VARIABLES, **STATES, **EXPRESSIONS, **FIELDS}.items()],
)
def test_a_broken_definition_has_exactly_this_problem(definition: State, problems: list[str]) -> None:
    seen = found(definition)
    assert len(seen) == len(problems)
    assert [problem[: len(expected)] for problem, expected in zip(seen, problems, strict=True)] == problems


RIGHT = {
    "newer operators in texts, patterns, names and comments": passing(
        Output="{% /* a ?? b */ $replace($states.input.`a??b`, /a??b|x?:/, '??') & \"?:\" %}"
    ),
    "a choice whose second part starts with a regular expression": passing(
        Output="{% $states.input.x ? /a??/ : /b?:/ %}"
    ),
    "names and $ inside of what steps through values": passing(
        Output="{% $states.input.rows[kind = 'a' and $.size > 1].{'kind': kind, 'all': $}^(kind){kind: $count(size)} %}"
    ),
    "parameters and local variables of functions": passing(
        Output="{% ($twice := function($n) { $n * 2 }; $local := 1; $twice($local)) %}"
    ),
    "functions that Step Functions adds": passing(
        Output="{% [$hash('a', 'SHA-256'), $parse('1'), $uuid(), $random(), $range(1, 2, 1), $partition([1], 1)] %}"
    ),
    "letters of other scripts in names": passing(Assign={"größe": 1}),
}


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
        "A.Choices.Condition: uses $n, which is not assigned on every way here",
        "A.Choices.Assign.n: uses $n, which is not assigned on every way here",
    ]


def test_the_command_prints_problems_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(main, ["lint"]).exit_code == 0
    broken = machine(A=passing(Output="{% $missing %}"))
    monkeypatch.setattr("statemachines.cli.definition_of", lambda name: broken)
    result = CliRunner().invoke(main, ["lint"])
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == len(MACHINES)
    assert "sfn_ndr_training_orchestrator: A.Output: uses $missing" in result.output
