"""`iam:SimulatePrincipalPolicy` of roles with context keys and several resources, of which ministack knows none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import iam

from localaws.authorization.policies import denial

SESSION = "simulation"
"""Who asks, in place of a process."""

_original = iam._simulate_principal_policy


def install() -> None:
    """Makes ministack simulate policies of roles in full."""
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate


def simulate(p: dict[str, Any]) -> Any:
    """The decision for each action on each resource."""
    role = str(iam._p(p, "PolicySourceArn"))
    if ":role/" not in role:
        return _original(p)
    names = list(_members(p, "ContextEntries.member.{}.ContextKeyName"))
    values = [str(iam._p(p, f"ContextEntries.member.{n}.ContextKeyValues.member.1")) for n in range(1, len(names) + 1)]
    keys = {name.lower(): value for name, value in zip(names, values, strict=True)}
    resources = list(_members(p, "ResourceArns.member.{}")) or ["*"]
    results = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}"
        f"</EvalResourceName><EvalDecision>{_decision(role, action, resource, keys)}</EvalDecision>"
        "<MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues></member>"
        for action in _members(p, "ActionNames.member.{}")
        for resource in resources
    )
    body = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    result = f"<SimulatePrincipalPolicyResult>{body}</SimulatePrincipalPolicyResult>"
    return iam._xml(200, "SimulatePrincipalPolicyResponse", result, ns="iam")


def _decision(role: str, action: str, resource: str, keys: dict[str, str]) -> str:
    message = denial(role, action, resource, SESSION, keys)
    if not message:
        return "allowed"
    return "explicitDeny" if "explicit deny" in message else "implicitDeny"


def _members(p: dict[str, Any], form: str) -> Iterator[str]:
    number = 1
    while value := iam._p(p, form.format(number)):
        yield str(value)
        number += 1
