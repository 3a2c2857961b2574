"""Actions and resources of the templates against AWS's service authorization data, as cfn-lint carries them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from statemachines.deploy.parts import TEMPLATES
from statemachines.deploy.permissions.template import Statement
from tests.statemachines.deploy.permissions.templates import SETTINGS, template_of

ON_EVERYTHING = {
    "ecs:ListTasks": "a list is of a cluster, which the condition names",
    "cloudwatch:PutMetricData": "a metric has no ARN; the data name another kind of resource, of the same request",
}
"""Actions with a type of resource that are permitted on everything, and why."""


@cache
def services() -> dict[str, Any]:
    """Actions of each service by their names in lower case, with the types of resources that they take."""
    data = files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(data)
    return found


@cache
def permitted() -> tuple[Statement, ...]:
    """The statements of all roles, with each setting."""
    roles = [statements for settings in SETTINGS for statements in template_of(settings).statements().values()]
    return tuple(statement for statements in roles for statement in statements)


def types_of(action: str) -> list[str] | None:
    """The types of resources of an action; None if there is no such action."""
    service, _, name = action.lower().partition(":")
    known = services().get(service, {}).get("Actions", {}).get(name)
    return None if known is None else list(known.get("Resources", []))


def test_every_action_exists() -> None:
    actions = {action for statement in permitted() for action in statement.actions}
    assert len(actions) > 90
    assert {action for action in actions if types_of(action) is None} == set()
    assert types_of("s3:GetObjects") is None


def test_only_an_action_without_a_resource_is_permitted_on_everything() -> None:
    everywhere = {action for statement in permitted() if "*" in statement.resources for action in statement.actions}
    assert {action for action in everywhere if types_of(action)} == set(ON_EVERYTHING)
    for statement in permitted():
        if "ecs:ListTasks" in statement.actions:
            assert list(statement.condition) == ["ArnEquals"]


def test_an_action_without_a_resource_is_permitted_on_nothing_else() -> None:
    for statement in permitted():
        without = [action for action in statement.actions if types_of(action) == []]
        assert not without or statement.resources == ("*",), (statement.place, without)


@pytest.mark.parametrize("path", TEMPLATES.values(), ids=TEMPLATES)
def test_a_statement_on_everything_says_why(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if 'Resource: "*"' in line:
            start = next(one for one in range(number, 0, -1) if lines[one].lstrip().startswith("- "))
            while not lines[start].lstrip().startswith(("- Effect", "- {Effect")):
                start -= 1
            assert lines[start - 1].lstrip().startswith("#"), f"{path.name}, line {number + 1}"


def test_roles_have_inline_policies_alone() -> None:
    for path in TEMPLATES.values():
        assert "ManagedPolicyArns" not in path.read_text(encoding="utf-8")
