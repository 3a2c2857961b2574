"""What is looked at before a deployment changes anything: all that is wrong is said at once.

The templates themselves are checked by `make statemachines-check`, when they are written, and not again here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from common.aws.caller import identity
from common.aws.clients import aws_errors, client
from common.errors import DeploymentError, NdrError, ParametersError
from pipelines.definitions import check_current
from statemachines.definitions import placeholders, text_of
from statemachines.deploy.parts import machines_of, stacks_of
from statemachines.deploy.projects import read_project
from statemachines.deploy.stack import check_parameters, holding_data
from statemachines.deploy.templates import outputs_of

Check = Callable[[], object]
"""Raises an error that names value, place and remedy where something is wrong."""


def run(checks: Iterable[Check]) -> None:
    """Raises one error with all that the checks find.

    Raises:
        NdrError: something is wrong.
    """
    found = [error for check in checks if (error := _error(check)) is not None]
    if len(found) > 1:
        raise ParametersError(f"nothing was changed, {len(found)} things are wrong", [str(error) for error in found])
    if found:
        raise found[0]


def checks(
    prefix: str, parts: Sequence[str], parameters: Mapping[str, str], projects: Sequence[Path]
) -> Iterator[Check]:
    """What is looked at of stacks, state machines, pipelines and projects, in the order in which it is said."""
    yield identity
    for name, value in parameters.items():
        yield partial(check_parameters, {name: value})
    for machine in machines_of(parts):
        yield partial(check_placeholders, machine, parts)
    if "ndr" in parts:
        yield check_current
    for project in projects:
        yield partial(read_project, project)
    given = {**parameters, "Environment": prefix}
    yield lambda: check_buckets(_buckets(prefix, parts, given))


def check_placeholders(machine: str, parts: Sequence[str]) -> None:
    """Refuses a state machine that names what no stack of these parts has.

    Raises:
        DeploymentError: a placeholder will have no value.
    """
    known = {name for stack in stacks_of("", parts) for name in outputs_of(stack.template)}
    if missing := sorted(placeholders(text_of(machine)) - known):
        raise DeploymentError(
            f"the state machine {machine} names {', '.join(missing)}, which no stack of the parts has",
            f"Deploy the part that has it, or leave {machine}'s out",
        )


def check_buckets(names: Iterable[str]) -> None:
    """Refuses names of buckets that another account has: names are unique in all of AWS.

    Raises:
        DeploymentError: one is taken.
    """
    s3 = client("s3")
    if taken := [name for name in names if _is_foreign(s3, name)]:
        raise DeploymentError(
            f"another account has the bucket {', '.join(taken)}, or this one may not look at it",
            "Choose another NamePrefix among the parameters of the environment, or ask for s3:ListBucket",
        )


def _error(check: Check) -> NdrError | None:
    try:
        check()
    except NdrError as error:
        return error
    return None


def _buckets(prefix: str, parts: Sequence[str], given: Mapping[str, str]) -> list[str]:
    cloudformation = client("cloudformation")
    held = [one for stack in stacks_of(prefix, parts) for one in holding_data(cloudformation, stack.template, given)]
    return [name for kind, name in held if kind == "AWS::S3::Bucket"]


def _is_foreign(s3: Any, name: str) -> bool:
    with aws_errors(f"the bucket {name} cannot be looked up"):
        try:
            s3.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "403":
                return True
            if error.response["Error"]["Code"] != "404":
                raise
    return False
