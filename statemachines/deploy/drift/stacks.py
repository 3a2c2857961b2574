"""Stacks against their templates, and their resources against the stacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from common.aws.caller import identity
from common.aws.clients import aws_errors, client
from common.aws.tags import as_mapping
from pipelines.differences import ABSENT
from statemachines.deploy.described import stack_described
from statemachines.deploy.drift.clients import Clients
from statemachines.deploy.drift.comparison import Finding, differences, plain
from statemachines.deploy.drift.kinds import KINDS, with_policies
from statemachines.deploy.drift.live_tags import TAGS, live_tags, wanted_tags
from statemachines.deploy.drift.template import Resource, Stack
from statemachines.deploy.functions import parsed
from statemachines.deploy.stack import BROKEN, body_wanted
from statemachines.deploy.tags import environment_tags

READERS = 8
"""Resources that are read at once."""
DEPLOY = "Deploy: {command}"
BY_HAND = "{mend} sets it back; or put it into the template and deploy. A deployment alone does not see it"
GONE = "Make it again with the same name, or remove it from the stack; a deployment alone does not see it"
TOO_MUCH = "What was added by hand: remove it by {mend}, or put it into the template and deploy"


def findings_of_stack(name: str, template: Path, given: Mapping[str, str], command: str) -> Iterator[Finding]:
    """What differs in a stack: its parameters and template from those given, its resources from its template.

    Raises:
        AwsError: a call was refused.
        DeploymentError: the template has a function that is not known.
    """
    cloudformation = client("cloudformation")
    described = stack_described(cloudformation, name)
    remedy = DEPLOY.format(command=command)
    if described is None:
        yield Finding("stack", name, "", "deployed", ABSENT, remedy)
        return
    if described["StackStatus"] in BROKEN:
        yield Finding("stack", name, "status", "complete", described["StackStatus"], remedy)
        return
    parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in described.get("Parameters", [])}
    tags = as_mapping(described.get("Tags"))
    for path, should, is_ in differences(environment_tags(given.get("Environment", "")), tags):
        yield Finding("stack", name, f"tag {path}", should, is_, remedy)
    for key in sorted(given.keys() & parameters.keys()):
        if parameters[key] != given[key]:
            yield Finding("stack", name, f"parameter {key}", given[key], parameters[key], remedy)
    with aws_errors(f"the template of the stack {name} could not be read"):
        original = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        wanted = body_wanted(cloudformation, template, given, described)
    if original != wanted:
        for path, should, is_ in differences(plain(parsed(wanted)), plain(parsed(original))):
            yield Finding("stack", name, f"template {path}", should, is_, remedy)
    yield from _findings_of_resources(name, parameters, tags)


def is_whole(cloudformation: Any, name: str) -> bool:
    """Whether there is such a stack, and it was made.

    Raises:
        AwsError: the call was refused.
    """
    described = stack_described(cloudformation, name)
    return described is not None and described["StackStatus"] not in BROKEN


def resources_of(name: str, parameters: Mapping[str, str]) -> list[Resource]:
    """The resources that a stack should have, each with the policies that are resources of their own.

    Raises:
        AwsError: a call was refused.
    """
    cloudformation = client("cloudformation")
    with aws_errors(f"the resources of the stack {name} could not be read"):
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        entries = [entry for page in pages for entry in page["StackResourceSummaries"]]
        processed = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    physical = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in entries}
    partition = identity().partition
    place = {
        "AWS::AccountId": identity().account,
        "AWS::Region": cloudformation.meta.region_name,
        "AWS::Partition": partition,
        "AWS::StackName": name,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }
    return with_policies(list(Stack(parsed(processed), {**parameters, **place}, physical).resources()))


def _findings_of_resources(name: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Finding]:
    resources, aws = resources_of(name, parameters), Clients()
    with ThreadPoolExecutor(READERS) as pool:
        for found in pool.map(partial(_findings_of_resource, aws, tags), resources):
            yield from found


def _findings_of_resource(aws: Clients, tags: Mapping[str, str], resource: Resource) -> list[Finding]:
    if resource.kind not in KINDS:
        return [Finding(resource.kind, resource.physical, "", "known here", ABSENT, "Add it to deploy/drift/kinds.py")]
    kind, name = KINDS[resource.kind], _short(resource.physical)
    with aws_errors(f"the {kind.word} {name} could not be read"):
        found = kind.read(aws, resource)
        tagged = live_tags(aws, resource) if found else {}
    if found is None:
        return [Finding(kind.word, name, "", "deployed", ABSENT, GONE)]
    defaults = plain(kind.defaults)
    wanted = {**defaults, **plain({**kind.shape(resource.properties), TAGS: wanted_tags(resource, tags)})}
    mend = kind.mend.format(name=resource.physical)
    return [
        Finding(kind.word, name, path, should, is_, (TOO_MUCH if should is ABSENT else BY_HAND).format(mend=mend))
        for path, should, is_ in differences(wanted, {**defaults, **plain({**found, TAGS: tagged})})
    ]


def _short(physical: str) -> str:
    return physical.rpartition("/")[2] if "://" in physical else physical.rpartition(":")[2]
