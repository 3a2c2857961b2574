"""The registry of an account: a repository of each image, which all its environments share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from common.aws.caller import identity
from common.aws.clients import aws_errors, client
from common.errors import DeploymentError
from statemachines.definitions import FOLDER
from statemachines.deploy.changes import Change
from statemachines.deploy.described import stack_described
from statemachines.deploy.functions import parsed
from statemachines.deploy.removal import remove_data
from statemachines.deploy.stack import deploy_stack, remove_stack

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


def repositories() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The repositories, each with its images, the latest first; nothing where the stack was never made.

    Raises:
        AwsError: a call was refused.
    """
    cloudformation, ecr = client("cloudformation"), client("ecr")
    if stack_described(cloudformation, STACK) is None:
        return
    for name in _names():
        with aws_errors(f"the images of the repository {name} cannot be read"):
            pages = list(ecr.get_paginator("describe_images").paginate(repositoryName=name))
        found = [image for page in pages for image in page["imageDetails"]]
        yield name, sorted(found, key=lambda image: image["imagePushedAt"], reverse=True)


def remove_registry(with_images: bool, users: list[str], tell: Callable[[str, str], None]) -> None:
    """Removes the stack; its repositories and their images, too, where that is wanted. `tell` is told what was done.

    Raises:
        DeploymentError: environments, the users, are deployed, or the stack cannot be removed.
        AwsError: a call was refused.
    """
    if users:
        raise DeploymentError(
            f"the environments of the account use the repositories: {', '.join(users)}", "Remove them with make destroy"
        )
    if remove_stack(client("cloudformation"), STACK):
        tell(f"stack {STACK}", "removed")
    for name in _names() if with_images else []:
        if remove_data("AWS::ECR::Repository", name):
            tell(f"repository {name}", "removed")


def check_account(number: str) -> None:
    """Refuses to remove what is in another account than the one that was named.

    Raises:
        DeploymentError: the credentials are of another account.
        AwsError: the account is unknown.
    """
    if number != identity().account:
        raise DeploymentError(f"the credentials are of account {identity().account}, not {number}", "Give its number")


def _names() -> list[str]:
    resources = parsed(TEMPLATE.read_text(encoding="utf-8"))["Resources"]
    return sorted(one["Properties"]["RepositoryName"] for one in resources.values())
