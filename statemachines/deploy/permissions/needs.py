"""A permission that is needed, and whether statements give it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from statemachines.deploy.permissions.template import Statement

_OPERATORS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")


@dataclass(frozen=True)
class Need:
    """An action, what it is done to (`*` stands for names that are made up), and what conditions see of it."""

    action: str
    resource: str
    keys: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def allows(statement: Statement, need: Need) -> bool:
    """Whether a statement allows what is needed."""
    return (
        any(_matches(need.action.lower(), action.lower()) for action in statement.actions)
        and any(_matches(need.resource, resource) for resource in statement.resources)
        and _is_met(statement.condition, need.keys)
    )


def missing(needs: Iterable[Need], statements: Iterable[Statement]) -> list[Need]:
    """What is needed and not allowed."""
    given = list(statements)
    found = [need for need in needs if not any(allows(statement, need) for statement in given)]
    return sorted(set(found), key=str)


def unused(needs: Iterable[Need], statements: Iterable[Statement]) -> list[tuple[Statement, str, str]]:
    """Each action of a statement, with a resource, that nothing needs."""
    wanted = list(needs)
    return [
        (statement, action, resource)
        for statement in statements
        for action in statement.actions
        for resource in statement.resources
        if not any(
            allows(Statement(statement.place, (action,), (resource,), statement.condition), need) for need in wanted
        )
    ]


def _matches(text: str, pattern: str) -> bool:
    # brackets are letters to IAM
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _is_met(condition: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str]) -> bool:
    return all(
        operator in _OPERATORS
        and key in keys
        and any(_matches(keys[key], str(value)) for value in (wanted if isinstance(wanted, list) else [wanted]))
        for operator, entries in condition.items()
        for key, wanted in entries.items()
    )
