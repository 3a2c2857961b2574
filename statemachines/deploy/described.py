"""What CloudFormation says of stacks: their outputs, templates and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors
from common.errors import DeploymentError


def read_outputs(cloudformation: Any, *names: str) -> dict[str, str]:
    """The outputs of stacks: names of tables, buckets, the bus.

    Raises:
        DeploymentError: there is no such stack.
        AwsError: the call was refused.
    """
    found: dict[str, str] = {}
    for name in names:
        described = stack_described(cloudformation, name)
        if described is None:
            raise DeploymentError(
                f"the stack {name} does not exist", "Deploy it with ndr-statemachines, or give --stack"
            )
        found |= output_values(described)
    return found


def output_values(described: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a stack as CloudFormation describes it."""
    return {entry["OutputKey"]: entry["OutputValue"] for entry in described.get("Outputs", [])}


def deployed_template(cloudformation: Any, name: str) -> str | None:
    """The template of a stack, as it was sent; None where there is no stack.

    Raises:
        AwsError: the call was refused.
    """
    with aws_errors(f"the template of the stack {name} could not be read"):
        try:
            body = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    return str(body)


def stack_described(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """What CloudFormation says of a stack; None if there is none.

    Raises:
        AwsError: the call was refused.
    """
    with aws_errors(f"the stack {name} could not be read"):
        try:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    return stack


def known_parameters(cloudformation: Any) -> dict[str, dict[str, str]]:
    """Values of the parameters of all stacks, by their names.

    Raises:
        AwsError: the call was refused.
    """
    with aws_errors("the stacks could not be read"):
        pages = list(cloudformation.get_paginator("describe_stacks").paginate())
    return {
        stack["StackName"]: {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
        for page in pages
        for stack in page["Stacks"]
        if stack["StackStatus"] != "REVIEW_IN_PROGRESS"
    }
