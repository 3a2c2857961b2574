"""The check of roles before a deployment changes anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from common.errors import DeploymentError
from statemachines.deploy.parts import machines_of, stacks_of
from statemachines.deploy.permissions.check import Finding, findings
from statemachines.deploy.permissions.template import in_account

SHOWN = 20


def check_roles(prefix: str, parts: Collection[str], parameters: Mapping[str, str]) -> None:
    """Checks that the roles of the parts of an environment permit what its machines, jobs and functions need.

    Raises:
        DeploymentError: roles lack permissions; the message lists them.
        AwsError: the account cannot be told.
    """
    template = in_account(stacks_of(prefix, parts), {**parameters, "Environment": prefix})
    refuse(findings(template, machines_of(parts)))


def refuse(found: Collection[Finding]) -> None:
    """Refuses to go on where roles lack permissions.

    Raises:
        DeploymentError: they do; the message lists them.
    """
    if found:
        listed = "; ".join(str(one) for one in list(found)[:SHOWN])
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise DeploymentError(
            f"roles lack permissions that are needed: {listed}{more}",
            "Add them to the roles in statemachines/stacks, or correct statemachines/deploy/permissions/works.yaml",
        )
