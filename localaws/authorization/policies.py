"""What the policies of a role permit, and which services may assume it, by ministack's own evaluator."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from localaws.processes.programs import ProgramError

_VARIABLE = re.compile(r"\$\{([\w:-]+)\}")
_UNASSUMABLE = {
    "sagemaker.amazonaws.com": (
        "Could not assume role {role}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role."
    ),
    "glue.amazonaws.com": "Service is unable to assume provided role. Please verify role's TrustPolicy",
    "lambda.amazonaws.com": "The role defined for the function cannot be assumed by Lambda.",
    "ecs-tasks.amazonaws.com": (
        "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role "
        "being passed has the proper trust relationship and permissions and that your IAM user has permissions to "
        "pass this role."
    ),
}
"""How services say that they cannot work with a role."""


def session_arn(role: str, session: str) -> str:
    """The ARN of who works with a role."""
    return f"arn:aws:sts::{get_account_id()}:assumed-role/{role.rpartition('/')[2]}/{session}"


def user_id(role: str, session: str) -> str:
    """The `aws:userid` of who works with a role."""
    record = _record(role)
    return f"{record['RoleId'] if record else ''}:{session}"


def denial(role: str, action: str, arn: str, session: str, keys: Mapping[str, str] | None = None) -> str:
    """AWS's message if the policies of a role do not permit an action; empty if they do.

    `keys` are what conditions of the policies see of the call, by names in lower case.
    """
    account, name = get_account_id(), role.rpartition("/")[2]
    context = _context(session_arn(role, session), action, arn, keys)
    context.service_context.setdefault("aws:userid", user_id(role, session))
    policies = [
        [_resolved(statement, context.service_context) for statement in policy]
        for policy in iam_evaluator._gather_role_policies(name, account)
    ]
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    result = iam_evaluator.evaluate(context, policies, *limits)
    if result.decision == "Allow":
        return ""
    denied = result.decision == "Deny"
    return str(iam_actions.identity_denial_message(action, context.principal_arn, arn, denied))


def trusts(role: str, service: str, source: str = "") -> bool:
    """Whether a role exists that a service may assume, for what has the ARN `source`."""
    record = _record(role)
    if record is None:
        return False
    document = record["AssumeRolePolicyDocument"]
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    keys = {"aws:sourceaccount": get_account_id(), **({"aws:sourcearn": source} if source else {})}
    context = _context(service, "sts:AssumeRole", role, keys)
    return any(
        statement.get("Effect") == "Allow"
        and iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        and iam_evaluator._conditions_met(statement.get("Condition") or {}, context)
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def check_assumable(role: str, service: str) -> None:
    """Refuses a role with which a service cannot work.

    Raises:
        ProgramError: the role does not exist, or does not trust the service.
    """
    if not trusts(role, service):
        raise ProgramError(_UNASSUMABLE[service].format(role=role))


def check_permitted(role: str, session: str, needed: Iterator[tuple[str, str]], keys: Mapping[str, str]) -> None:
    """Refuses what a service does with a role.

    Raises:
        ProgramError: the role does not permit one of the actions, each with the ARN of its resource.
    """
    for action, arn in needed:
        if message := denial(role, action, arn, session, keys):
            raise ProgramError(message)


def _record(role: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = iam._roles.get_scoped(get_account_id(), None, role.rpartition("/")[2])
    return found


def _context(principal: str, action: str, arn: str, keys: Mapping[str, str] | None) -> Any:
    kind = "AssumedRole" if ":assumed-role/" in principal else "Service"
    context = iam_evaluator.EvalContext(principal, kind, get_account_id(), action, arn, get_region())
    context.service_context.update(keys or {})
    return context


def _resolved(statement: Any, keys: Mapping[str, str]) -> Any:
    """A statement whose conditions have the values of their variables, such as `${aws:userid}`."""
    text = json.dumps(statement.conditions)
    if "${" not in text:
        return statement
    filled = _VARIABLE.sub(lambda found: json.dumps(keys.get(found[1], found[0]))[1:-1], text)
    return replace(statement, conditions=json.loads(filled))
