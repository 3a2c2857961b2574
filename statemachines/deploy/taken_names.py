"""Names that somebody else has: looked at before a deployment changes anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.aws.tags import as_mapping
from common.errors import DeploymentError
from statemachines.deploy.described import known_parameters
from statemachines.deploy.parts import Stack
from statemachines.deploy.permissions.template import ROLE, in_account
from statemachines.deploy.stack import holding_data
from statemachines.deploy.upgrade import owner_of

STACK_TAG = "aws:cloudformation:stack-id"
"""The tag by which CloudFormation says whose a resource is; its fourth part is the region of the stack."""


def check_buckets(stacks: Iterable[Stack], given: Mapping[str, str]) -> None:
    """Refuses names of buckets that another account has: names are unique in all of AWS.

    Raises:
        DeploymentError: one is taken.
        AwsError: they cannot be looked up.
    """
    s3, cloudformation = client("s3"), client("cloudformation")
    held = [one for stack in stacks for one in holding_data(cloudformation, stack.template, given)]
    if taken := [name for kind, name in held if kind == "AWS::S3::Bucket" and _is_foreign(s3, name)]:
        raise DeploymentError(
            f"another account has the bucket {', '.join(taken)}, or this one may not look at it",
            "Choose another NamePrefix among the parameters of the environment, or ask for s3:ListBucket",
        )


def check_role_names(prefix: str, stacks: Collection[Stack], given: Mapping[str, str]) -> None:
    """Refuses stacks that are new where their roles are there: an account has its roles in all regions at once.

    So they are those of the same environment in another region, or somebody else's. Stacks that take over roles while
    an environment is upgraded are not looked at.

    Raises:
        DeploymentError: roles are there.
        AwsError: they cannot be looked up.
    """
    cloudformation = client("cloudformation")
    known = known_parameters(cloudformation)
    new = [stack for stack in stacks if stack.name not in known and owner_of(stack, prefix) not in known]
    here = str(cloudformation.meta.region_name)
    names = [str(role["RoleName"]) for role in in_account(new, given).of_kind(ROLE).values()]
    if not (taken := dict(_roles_there(client("iam"), names))):
        return
    if regions := {region for region in taken.values() if region and region != here}:
        raise DeploymentError(
            f"{prefix.removesuffix('-')} is deployed in {', '.join(sorted(regions))}, and this is {here}",
            "Set AWS_REGION to its region, or deploy an environment of another name here",
        )
    raise DeploymentError(
        f"the account has the role {', '.join(sorted(taken))}, which no stack of the environment made",
        "Remove it, or choose another NamePrefix among the parameters of the environment",
    )


def _roles_there(iam: Any, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names of the roles that the account has, and the region of the stack that made each; empty where none did."""
    for name in names:
        with aws_errors(f"the role {name} cannot be looked up"):
            try:
                role = iam.get_role(RoleName=name)["Role"]
            except iam.exceptions.NoSuchEntityException:
                continue
        yield name, as_mapping(role.get("Tags")).get(STACK_TAG, ":::").split(":")[3]


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
