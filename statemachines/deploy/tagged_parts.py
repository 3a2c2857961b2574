"""The tags of what no stack makes: machines, pipelines and task definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from common.aws.clients import aws_errors, client
from common.aws.tags import as_list, as_mapping, in_lower_case
from pipelines.definitions import names as pipeline_names
from statemachines.definitions import MACHINES
from statemachines.deploy.publish import machines_by_name
from statemachines.deploy.tags import environment_tags

AT_ONCE = 8


@dataclass(frozen=True)
class Part:
    """A machine, a pipeline or the latest revision of a task definition, with its tags."""

    kind: str
    name: str
    arn: str
    tags: Mapping[str, str]


def untagged(prefix: str) -> list[Part]:
    """The parts of an environment that lack its tags.

    Raises:
        AwsError: a call was refused.
    """
    wanted = environment_tags(prefix)
    if not wanted:
        return []
    with aws_errors("the tags of machines, pipelines and tasks could not be read"):
        found = [*_machines(prefix), *_pipelines(prefix), *_tasks(prefix)]
    return [one for one in found if not wanted.items() <= one.tags.items()]


def tag(prefix: str) -> Iterator[Part]:
    """Tags the parts that lack the tags of their environment; each as it was before.

    Raises:
        AwsError: a call was refused.
    """
    wanted = environment_tags(prefix)
    for one in untagged(prefix):
        with aws_errors(f"the {one.kind} {one.name} could not be tagged"):
            if one.kind == "machine":
                client("stepfunctions").tag_resource(resourceArn=one.arn, tags=in_lower_case(wanted))
            elif one.kind == "pipeline":
                client("sagemaker").add_tags(ResourceArn=one.arn, Tags=as_list(wanted))
            else:
                client("ecs").tag_resource(resourceArn=one.arn, tags=in_lower_case(wanted))
        yield one


def _machines(prefix: str) -> Iterable[Part]:
    states = client("stepfunctions")
    by_name = machines_by_name(states)

    def read(name: str) -> Part:
        found = states.list_tags_for_resource(resourceArn=by_name[name])["tags"]
        return Part("machine", name, by_name[name], as_mapping(found))

    return _all(read, [name for name in (f"{prefix}{machine}" for machine in MACHINES) if name in by_name])


def _pipelines(prefix: str) -> Iterable[Part]:
    sagemaker = client("sagemaker")
    pages = sagemaker.get_paginator("list_pipelines").paginate(PipelineNamePrefix=f"{prefix}ndr")
    arns = {one["PipelineName"]: one["PipelineArn"] for page in pages for one in page["PipelineSummaries"]}
    names = [name for name in (f"{prefix}{name}" for name in pipeline_names()) if name in arns]

    def read(name: str) -> Part:
        return Part("pipeline", name, arns[name], as_mapping(sagemaker.list_tags(ResourceArn=arns[name])["Tags"]))

    return _all(read, names)


def _tasks(prefix: str) -> Iterable[Part]:
    ecs = client("ecs")
    pages = ecs.get_paginator("list_task_definition_families").paginate(familyPrefix=f"{prefix}ndr-", status="ACTIVE")

    def read(family: str) -> Part:
        found = ecs.describe_task_definition(taskDefinition=family, include=["TAGS"])
        return Part("task", family, found["taskDefinition"]["taskDefinitionArn"], as_mapping(found.get("tags")))

    return _all(read, [family for page in pages for family in page["families"]])


def _all(read: Callable[[str], Part], names: Iterable[str]) -> list[Part]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, names))
