"""Pipelines in SageMaker, made equal to their definitions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors
from common.aws.tags import as_list
from common.errors import DeploymentError
from pipelines.assignments import checked
from pipelines.definitions import Definition, load
from pipelines.differences import Change, differences
from pipelines.images import Images, check_known, check_pullable, choose, is_local, uris
from pipelines.metrics import with_metrics
from pipelines.network import Network, deployed_network, with_network
from pipelines.roles import role_of_jobs


@dataclass(frozen=True)
class Deployed:
    """A pipeline as SageMaker has it; its definition is text where it is not JSON."""

    definition: Any
    role_arn: str


@dataclass(frozen=True)
class LookedUp:
    """Pipelines by their committed names as SageMaker has them, None where it has none; `local` says that it is here.

    The names of their environment begin with the prefix.
    """

    prefix: str
    found: Mapping[str, Deployed | None]
    local: bool


@dataclass(frozen=True)
class Plan:
    """The wanted state of a pipeline, and how the deployed one differs; `changes` is None if it does not exist.

    All names of its environment begin with the prefix, also that of the pipeline.
    """

    prefix: str
    name: str
    definition: Definition
    role_arn: str | None
    images: Images
    local: bool
    changes: tuple[Change, ...] | None

    def summary(self, missing: str, different: str) -> str:
        """The pipeline's state in the words given, or `unchanged`, and the changed places below."""
        return state_of(self.name, self.changes, missing, different)


def state_of(name: str, changes: tuple[Change, ...] | None, missing: str, different: str) -> str:
    """A line with the state in the words given, or `unchanged`, and one for each change."""
    state = missing if changes is None else different if changes else "unchanged"
    return "\n".join([f"{name}: {state}", *(f"  {change}" for change in changes or ())])


def describe(client: Any, name: str) -> Deployed | None:
    """The deployed pipeline; None where there is none of that name."""
    with aws_errors(f"pipeline {name} could not be looked up"):
        try:
            found = client.describe_pipeline(PipelineName=name)
        except ClientError as error:
            if not is_missing(error):
                raise
            return None
    text = found["PipelineDefinition"]
    try:
        return Deployed(json.loads(text), found["RoleArn"])
    except ValueError:
        return Deployed(text, found["RoleArn"])


def is_missing(error: ClientError) -> bool:
    """Whether the service says that what was asked for does not exist."""
    said = error.response["Error"]
    return said["Code"] == "ResourceNotFound" or "Could not find" in said["Message"]


def look_up(client: Any, names: Iterable[str], prefix: str = "") -> LookedUp:
    """What SageMaker has of these pipelines; their names there begin with the prefix.

    Raises:
        AwsError: a call was refused.
    """
    found = {name: describe(client, f"{prefix}{name}") for name in names}
    return LookedUp(prefix, found, is_local(client))


def plans(
    known: LookedUp, role_arn: str | None, defaults: Mapping[str, str], network: Network | None = None
) -> list[Plan]:
    """The pipelines as committed, with these defaults, against the deployed ones.

    Without a role or a network, each keeps its own.
    """
    return [_plan(known, name, role_arn, defaults, network) for name in known.found]


def _plan(known: LookedUp, name: str, role_arn: str | None, given: Mapping[str, str], network: Network | None) -> Plan:
    prefix, local, deployed = known.prefix, known.local, known.found[name]
    role = role_arn or (deployed.role_arn if deployed else None)
    images = choose(given, deployed.definition if deployed else None, local)
    defaults = {"RoleArn": role_of_jobs(role, name)} if role else {}
    attached_to = network or (deployed_network(deployed.definition) if deployed else None)
    attached = with_network(with_metrics(load(name), prefix), attached_to)
    if prefix:
        defaults["ParametersUri"] = f"dynamodb://{prefix}project_parameters"
    wanted = with_defaults(attached, {**defaults, **{key: found.value for key, found in images.items()}, **given})
    if deployed is None:
        return Plan(prefix, f"{prefix}{name}", wanted, role, images, local, None)
    changes = [*differences(deployed.role_arn, role, "RoleArn"), *differences(deployed.definition, wanted)]
    return Plan(prefix, f"{prefix}{name}", wanted, role, images, local, tuple(changes))


def check_images(planned: Iterable[Plan]) -> None:
    """Raises an error where the images of a pipeline are not known, or AWS cannot pull them."""
    for plan in planned:
        check_known(plan.name, plan.images)
    check_pullable({image for plan in planned if not plan.local for image in uris(plan.definition)})


def with_defaults(definition: Definition, defaults: Mapping[str, str]) -> Definition:
    """The definition with other defaults of the parameters that it declares."""
    parameters = [
        {**declared, "DefaultValue": checked(declared, defaults[declared["Name"]])}
        if declared["Name"] in defaults
        else declared
        for declared in definition["Parameters"]
    ]
    return {**definition, "Parameters": parameters}


def apply(client: Any, planned: Plan, tags: Mapping[str, str]) -> None:
    """Creates the pipeline, or updates it where it differs. Only a created one gets the tags."""
    if planned.changes == ():
        return
    if planned.role_arn is None:
        raise DeploymentError(
            f"pipeline {planned.name} does not exist yet, and no role was given to create it",
            "Give one with --role-arn or NDR_PIPELINE_ROLE_ARN",
        )
    request = {
        "PipelineName": planned.name,
        "PipelineDefinition": json.dumps(planned.definition, sort_keys=True),
        "RoleArn": planned.role_arn,
    }
    with aws_errors(f"pipeline {planned.name} could not be {'created' if planned.changes is None else 'updated'}"):
        if planned.changes is None:
            client.create_pipeline(**request, ClientRequestToken=request_token(request), Tags=as_list(tags))
        else:
            client.update_pipeline(**request)


def request_token(request: Mapping[str, str]) -> str:
    """The same token for the same request, so that a repeated one creates nothing twice."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
