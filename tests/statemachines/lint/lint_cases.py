"""Definitions that lead nowhere or use variables wrongly, and the problems that they have."""

from __future__ import annotations

from typing import Any

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
        ["A: assigns $1st, which is not a name: letters, digits and _, a letter first"],
    ),
    "a name that starts with an underscore": (
        machine(A=passing(Assign={"_x": 1})),
        ["A: assigns $_x, which is not a name: letters, digits and _, a letter first"],
    ),
    "a name with a dash": (
        machine(A=passing(Assign={"a-b": 1})),
        ["A: assigns $a-b, which is not a name: letters, digits and _, a letter first"],
    ),
    "a name that is too long": (
        machine(A=passing(Assign={"x" * 81: 1})),
        [f"A: assigns ${'x' * 81}, which has more than 80 letters"],
    ),
}
