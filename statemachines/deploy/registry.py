"""The registry of an account: a repository of each image, which all its environments share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.aws.clients import client
from statemachines.definitions import FOLDER
from statemachines.deploy.changes import Change
from statemachines.deploy.stack import deploy_stack

STACK = "ndr-registry"
TEMPLATE = FOLDER / "stacks" / "registry.yaml"


def deploy_registry(parameters: Mapping[str, str], tell: Callable[[Change], None] = lambda change: None) -> str:
    """What was done to the repositories, `created`, `updated` or `unchanged`; those that exist are taken over.

    Raises:
        DeploymentError: one would be replaced, as with another key.
        AwsError: a call was refused.
    """
    done, _ = deploy_stack(client("cloudformation"), STACK, parameters, TEMPLATE, tell=tell)
    return done
