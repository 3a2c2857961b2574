"""Permissions of the deployed roles: what of them a run asks for, and how one is taken away and put back."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from localaws.authorization.unchecked import why_unchecked
from localaws.cli.process import LocalAws
from statemachines.deploy.permissions.needs import Need, allows
from statemachines.deploy.permissions.template import Statement


@dataclass(frozen=True)
class Asked:
    """What a role was asked for."""

    role: str
    action: str
    resource: str


@dataclass(frozen=True)
class Permission:
    """An action that a statement of a role's policies allows on its resources."""

    role: str
    action: str
    resources: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.role}: {self.action} on {', '.join(self.resources)}"

    @property
    def unchecked(self) -> str:
        """Why the local AWS never asks for it; empty if it does."""
        found = [why_unchecked(self.action, resource) for resource in self.resources]
        return found[0] if all(found) else ""


def permissions(statements: Mapping[str, Collection[Statement]]) -> list[Permission]:
    """Each action of each statement, by role."""
    return [
        Permission(role, action, statement.resources)
        for role, given in statements.items()
        for statement in given
        for action in statement.actions
    ]


def depends(permission: Permission, statements: Collection[Statement], asked: Collection[Asked]) -> bool:
    """Whether something that its role was asked for is allowed by this permission alone; conditions are left out."""
    own = Statement("", (permission.action,), permission.resources, {})
    others = [
        Statement(one.place, actions, one.resources, {})
        for one in statements
        if (actions := tuple(_kept(one.actions, one.resources, permission)))
    ]
    needs = [Need(one.action, one.resource) for one in asked if one.role == permission.role]
    return any(allows(own, need) and not any(allows(other, need) for other in others) for need in needs)


def _kept(actions: Collection[str], resources: tuple[str, ...], permission: Permission) -> list[str]:
    return [one for one in actions if (one, resources) != (permission.action, permission.resources)]


@contextmanager
def without(local: LocalAws, permission: Permission) -> Iterator[None]:
    """Takes a permission away from the deployed role, and puts it back."""
    iam, role = local.client("iam"), permission.role
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
    after = {name: _document_without(document, permission) for name, document in before.items()}
    changed = [name for name in names if after[name] != before[name]]
    assert changed, f"the deployed role lacks {permission}"
    try:
        for name in changed:
            _put(iam, role, name, after[name])
        yield
    finally:
        for name in changed:
            _put(iam, role, name, before[name])


def _put(iam: Any, role: str, name: str, document: Mapping[str, Any]) -> None:
    if document["Statement"]:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    else:
        iam.delete_role_policy(RoleName=role, PolicyName=name)


def _document_without(document: Mapping[str, Any], permission: Permission) -> dict[str, Any]:
    return {**document, "Statement": [kept for one in document["Statement"] if (kept := _without(one, permission))]}


def _without(statement: Mapping[str, Any], permission: Permission) -> Mapping[str, Any]:
    """The statement without the permission: itself if it does not give it, empty if it gives nothing else."""
    actions = _texts(statement["Action"])
    kept = _kept(actions, tuple(_texts(statement["Resource"])), permission)
    if kept == actions:
        return statement
    return {**statement, "Action": kept} if kept else {}


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
