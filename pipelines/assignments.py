"""Values given to the parameters of pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.errors import NdrError

LONGEST_VALUE = 1024


class AssignmentError(NdrError):
    """A parameter of a pipeline is unknown, missing, or given a value that it cannot take."""


def checked_assignment(declared: Mapping[str, dict[str, Any]], name: str, value: str) -> str | int:
    """The value in the type of the parameter of that name, of those declared."""
    if name not in declared:
        raise AssignmentError(f"there is no parameter {name}", f"Choose one of {', '.join(sorted(declared))}")
    return checked(declared[name], value)


def checked(declared: dict[str, Any], value: str) -> str | int:
    """The value in the type of the declared parameter."""
    name = declared["Name"]
    if declared["Type"] == "Integer":
        if not value.removeprefix("-").isdecimal():
            raise AssignmentError(f"parameter {name} cannot be {value!r}", "Give a whole number")
        return int(value)
    allowed = declared.get("EnumValues")
    if allowed and value not in allowed:
        raise AssignmentError(f"parameter {name} cannot be {value!r}", f"Choose one of {', '.join(allowed)}")
    if len(value) > LONGEST_VALUE:
        raise AssignmentError(
            f"the value of parameter {name} has {len(value)} characters, but SageMaker accepts at most {LONGEST_VALUE}",
            "Give a shorter value",
        )
    return value
