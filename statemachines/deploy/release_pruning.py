"""Removal of what no release that is kept has: versions of machines, code, texts and images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from common.aws.clients import aws_errors, client
from pipelines.definitions import names as pipeline_names
from pipelines.deployment import describe
from pipelines.images import defaults_of, remove_image, uris
from statemachines.definitions import MACHINES
from statemachines.deploy.code import FOLDER as CODE
from statemachines.deploy.described import known_parameters
from statemachines.deploy.function_images import RELEASE, served_image
from statemachines.deploy.publish import machines_by_name, routes_of, versions_of
from statemachines.deploy.release_store import FOLDER, Record, Release, Store

MOST = 10
"""How many releases one can go back to, with the one that is deployed."""


def drop(prefix: str, record: Record) -> list[Release]:
    """Takes releases out of the record, and gives them: beyond the last ten, and those that were rolled back.

    One that something still running may have begun under stays.

    Raises:
        AwsError: what runs cannot be listed.
    """
    kept = {release["number"] for release in record.chain(MOST)}
    former = [release for release in record.releases if release["number"] not in kept]
    if not former:
        return []
    since = _oldest_start(prefix)
    gone = [release for release in former if since is None or datetime.fromisoformat(release["until"]) <= since]
    record.releases = [release for release in record.releases if release not in gone]
    record.leaving = sorted({*record.leaving, *(image for release in gone for image in release["images"])})
    return gone


def prune(prefix: str, record: Record, store: Store) -> None:
    """Removes what no release of the record has; interrupted and repeated, it does the rest.

    Of versions, also what an alias names, an execution runs, or was published last, stays. Of images, only those go
    that a release had, and that no other environment, no pipeline and no stack of the account names.

    Raises:
        AwsError: a call was refused.
    """
    _prune_versions(prefix, record)
    code = {one["key"] for release in record.releases for one in release["code"].values()}
    texts = {f"{FOLDER}{digest}" for release in record.releases for digest in _texts(release)}
    for folder, kept in ((f"{CODE}/", code), (FOLDER, texts)):
        for key in store.keys(folder):
            if key not in kept:
                store.remove(key)
    if record.leaving:
        named = _named_images(record, store.bucket.removeprefix(prefix))
        stacks = known_parameters(client("cloudformation")).values()
        tags = {parameters[RELEASE] for parameters in stacks if RELEASE in parameters}  # which functions may run
        for image in record.leaving:
            if image not in named and image.rpartition(":")[2] not in tags:
                remove_image(image)
        record.leaving = []
        store.write(record)


def _texts(release: Release) -> Iterator[str]:
    yield from (one["template"] for one in release["stacks"].values())
    yield from (one["definition"] for one in release["pipelines"].values())
    yield from release["tasks"].values()


def _prune_versions(prefix: str, record: Record) -> None:
    states = client("stepfunctions")
    by_name = machines_by_name(states)
    for name in (f"{prefix}{machine}" for machine in MACHINES):
        if name not in by_name:
            continue
        arn = by_name[name]
        kept = {release["machines"][name]["version"] for release in record.releases if name in release["machines"]}
        with aws_errors(f"the versions of {name} could not be pruned"):
            versions = versions_of(states, arn)
            former = set(versions) - kept - set(routes_of(states, arn)[0]) - {max(versions, default=0)}
            if former:
                former -= set(_running_versions(states, arn))
            for version in sorted(former):
                states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:{version}")


def _running_versions(states: Any, arn: str) -> Iterator[int]:
    """The versions with which the running executions of a machine began."""
    for execution in _running(states, arn):
        found = states.describe_execution(executionArn=execution["executionArn"])
        if "stateMachineVersionArn" in found:
            yield int(found["stateMachineVersionArn"].rpartition(":")[2])


def _running(states: Any, arn: str) -> Iterator[dict[str, Any]]:
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=arn, statusFilter="RUNNING"):
        yield from page["executions"]


def _oldest_start(prefix: str) -> datetime | None:
    """When the oldest of the running executions of machines and pipelines began; None where none runs."""
    states, sagemaker = client("stepfunctions"), client("sagemaker")
    by_name, found = machines_by_name(states), []
    with aws_errors("what runs could not be listed"):
        for name in (f"{prefix}{machine}" for machine in MACHINES):
            if name in by_name:
                found += [execution["startDate"] for execution in _running(states, by_name[name])]
        for name in (f"{prefix}{pipeline}" for pipeline in pipeline_names()):
            if describe(sagemaker, name):
                found += [
                    one["StartTime"]
                    for page in sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name)
                    for one in page["PipelineExecutionSummaries"]
                    if one["PipelineExecutionStatus"] in ("Executing", "Stopping")
                ]
    return min((start.astimezone(UTC) for start in found), default=None)


def _named_images(record: Record, bucket: str) -> set[str]:
    """The images that a release of any environment, or a pipeline of the account, names.

    `bucket` is the name of the environments' artifacts buckets without their prefix.
    """
    found = set(_images(record.releases))
    s3, sagemaker = client("s3"), client("sagemaker")
    with aws_errors("the images that other environments run could not be read"):
        others = [one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].endswith(bucket)]
        pages = list(sagemaker.get_paginator("list_pipelines").paginate())
        pipelines = [one["PipelineName"] for page in pages for one in page["PipelineSummaries"]]
    pipelines = [name for name in pipelines if name.endswith(tuple(pipeline_names()))]
    for other in others:
        found |= set(_images(Store(other).read().releases))
    for name in pipelines:
        described = describe(sagemaker, name)
        if described and isinstance(described.definition, dict):
            found |= {*uris(described.definition), served_image(defaults_of(described.definition))}
    return found


def _images(releases: Iterable[Release]) -> Iterator[str]:
    for release in releases:
        yield from release["images"]
