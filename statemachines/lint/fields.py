"""Fields that Step Functions refuses in a state, though public checkers, or all but one of them, let them pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_NAME_LENGTH = 80
RESERVED = "states"
ERRORS = frozenset(
    """States.ALL States.BranchFailed States.DataLimitExceeded States.ExceedToleratedFailureThreshold
    States.HeartbeatTimeout States.Http.Socket States.IntrinsicFailure States.ItemReaderFailed States.NoChoiceMatched
    States.ParameterPathFailure States.Permissions States.QueryEvaluationError States.ResultPathMatchFailure
    States.ResultWriterFailed States.Runtime States.TaskFailed States.Timeout""".split()  # noqa: SIM905 - a list of words
)
_REFUSED = {
    "Pass": ("Arguments", "Result"),
    "Wait": ("Arguments",),
    "Choice": ("Arguments",),
    "Map": ("Arguments",),
    "Succeed": ("Assign", "Arguments"),
    "Fail": ("Assign", "Output", "Arguments"),
}
_REFUSED_BY_RULES = ("Arguments",)
_DELIMITERS = re.compile(r"\{%|%\}")


def field_problems(state: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the fields of one state, leaving out those of states inside it."""
    kind = state["Type"]
    for name in _REFUSED.get(kind, ()):
        if name in state:
            yield f"has {name}, which a {kind} state cannot have"
    if state.get("QueryLanguage", "JSONata") != "JSONata":
        yield f"has the query language {state['QueryLanguage']}, which a JSONata machine cannot go back to"
    for rule in (*state.get("Choices", []), *state.get("Catch", [])):
        for name in _REFUSED_BY_RULES:
            if name in rule:
                yield f"has a rule with {name}, which rules cannot have"
    for holder in _assigning(state):
        for name in holder.get("Assign", {}):
            yield from _name_problems(name)
    for key in ("Retry", "Catch"):
        yield from _error_problems(key, state.get(key, []))
    for field, value in state.items():
        if field not in ("ItemProcessor", "Branches"):
            yield from _delimiter_problems(value, field)


def assigned_in(states: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """The variables that any of the states assigns, leaving out those of states inside them."""
    return frozenset(
        name for state in states.values() for holder in _assigning(state) for name in holder.get("Assign", {})
    )


def _assigning(state: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return (state, *state.get("Choices", []), *state.get("Catch", []))


def _name_problems(name: str) -> Iterator[str]:
    if name == RESERVED:
        yield f"assigns ${RESERVED}, which is reserved"
    elif not (name.isidentifier() and name[0].isalpha()):
        yield f"assigns ${name}, which is not a name: letters, digits and _, a letter first"
    elif len(name) > MAX_NAME_LENGTH:
        yield f"assigns ${name}, which has more than {MAX_NAME_LENGTH} letters"


def _error_problems(key: str, rules: list[Mapping[str, Any]]) -> Iterator[str]:
    for number, rule in enumerate(rules):
        names = rule.get("ErrorEquals", [])
        if "States.ALL" in names and (number + 1 < len(rules) or len(names) > 1):
            yield f"{key} has States.ALL before others or beside others: it must be last and alone"
        for name in names:
            if name.startswith("States.") and name not in ERRORS:
                yield f"{key} has {name}, which is not an error of Step Functions"


def _delimiter_problems(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if _DELIMITERS.search(value) and not (value.startswith("{%") and value.endswith("%}")):
            yield f"{path} is {value!r}: an expression is the whole text, from {{% to %}}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _delimiter_problems(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _delimiter_problems(inner, f"{path}[{number}]")
