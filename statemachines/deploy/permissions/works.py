"""What jobs, functions and services do with the roles of the stacks, by works.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipelines.catalog import PIPELINES
from statemachines.deploy.permissions.machines import Place
from statemachines.deploy.permissions.needs import Need

WORKS = Path(__file__).with_name("works.yaml")
_VALUE = re.compile(r"\$\(([\w:-]+)\)")

COMMANDS: dict[str, tuple[str, ...]] = {
    "ndr-15m": ("writes_lake", "reads_logs", "reads_lists", "masks_people"),
    "ndr-delta": ("writes_lake", "reads_logs", "reads_lists", "masks_people"),
    "ndr-fg-a": ("writes_lake",),
    "ndr-pair-counts": ("writes_lake",),
    "ndr-fg-b": ("writes_lake",),
    "ndr-fg-c": ("writes_lake",),
    "ndr-inference": ("writes_lake",),
    "ndr-maintain": ("writes_lake",),
    "ndr-canary": ("writes_lake", "masks_people"),
    "ndr-join": ("writes_lake", "asks_redshift"),
    "ndr-inventory-unload": ("writes_lake", "asks_redshift", "masks_people"),
    "ndr-if-training": ("writes_lake", "builds_what_is_missing", "makes_endpoints"),
    "ndr-extractor": ("writes_lake", "reads_logs", "finds_batches"),
    "ndr-page": ("hands_over", "writes_pages"),
    "ndr-alerts": ("hands_over", "sends_alerts"),
}
"""What the command of each step does."""
READERS, LISTERS, TIMES = (
    ("pipeline-steps", "extractor-steps"),
    ("15m-features-inference", "start-project"),
    "15m-features-inference",
)
"""Roles that read buckets with logs, that list them, and that read the times of batches in them."""
_OF_TABLES = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
BY_KEY: dict[str, tuple[str, ...]] = {
    "s3:GetObject": ("Decrypt",),
    # the parts of a large object are read again
    "s3:PutObject": ("Decrypt", "GenerateDataKey"),
    "sqs:ReceiveMessage": ("Decrypt",),
    # "DynamoDB encryption at rest: usage notes" in the developer guide of DynamoDB
    **dict.fromkeys((f"dynamodb:{verb}" for verb in ("GetItem", "Query", "PutItem", "UpdateItem")), _OF_TABLES),
}
"""What the key of the stacks is used for, by what is done to what it encrypts."""
ROLES: dict[str, tuple[str, ...]] = {
    "pipelines": ("makes_jobs",),
    "serving": ("serves",),
    "task-execution": ("starts_tasks",),
    "starter": ("starts_machines_of_ndr",),
    "manifest-builder": ("builds_manifests", "is_traced"),
    "ingestion-sweep": ("sweeps",),
    "ndjson-to-parquet": ("runs_on_glue", "converts"),
    "c360-validate": ("sorts_deliveries", "is_traced"),
    "c360-clean": ("runs_on_glue", "cleans"),
    "c360-staging": ("runs_on_glue", "publishes_snapshots"),
    "customer-360-schedule": ("starts_customer_360",),
    "c360-snowflake": ("reads_staging",),
}
"""What is done with each role that is not of a machine, nor of the steps of pipelines."""


def needs_of_roles(place: Place) -> dict[str, list[Need]]:
    """What each role of a job, function or service needs, by its name in the account."""
    works = dict(ROLES)
    for pipeline in PIPELINES.values():
        done = [work for step in pipeline.steps for work in ("container", *COMMANDS[step.command])]
        role = f"{pipeline.rights}-steps"
        works[role] = tuple(dict.fromkeys((*works.get(role, ()), *done)))
    return {
        f"{place.named}-{role}": [need for work in done for need in needs_of_work(work, place)]
        for role, done in works.items()
    }


def needs_of_settings(role: str, wanted: Iterable[Need], values: Mapping[str, str], place: Place) -> Iterator[Need]:
    """What parameters of the stacks add to what a role needs: a network, buckets with logs, a key."""
    name = role.removeprefix(f"{place.named}-")
    if values.get("StepsInVpc") == "true" and name.endswith("-steps"):
        yield from needs_of_work("joins_network", place)
    of_buckets = [
        need
        for bucket in filter(None, values.get("LogBuckets", "").split(","))
        for need in (
            *((Need("s3:GetObject", f"{bucket}/*"),) if name in READERS else ()),
            *((Need("s3:GetObject", f"{bucket}/*/_BATCH.json"),) if name == TIMES else ()),
            *((Need("s3:ListBucket", bucket),) if name in (*READERS, *LISTERS) else ()),
        )
    ]
    yield from of_buckets
    if key := values.get("KmsKeyArn"):
        used = {verb for need in (*wanted, *of_buckets) for verb in BY_KEY.get(need.action, ())}
        yield from (Need(f"kms:{verb}", key) for verb in sorted(used))


def needs_of_work(work: str, place: Place) -> Iterator[Need]:
    """What a work needs; nothing of stacks that are not there."""
    for actions, given in _works()[work].items():
        told = given if isinstance(given, dict) else {"resource": given}
        resources = told["resource"] if isinstance(told["resource"], list) else [told["resource"]]
        for resource in resources:
            if (filled := _filled(resource, place)) is not None:
                yield from (Need(action, filled, told.get("keys", {})) for action in actions.split())


@cache
def _works() -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = yaml.safe_load(WORKS.read_text(encoding="utf-8"))
    return found


def _filled(resource: str, place: Place) -> str | None:
    own = {"here": place.here, "environment": place.environment, "named": place.named}
    values = {**place.outputs, **own}
    for name in _VALUE.findall(resource):
        if name.startswith("role:"):
            values[name] = place.role(name.removeprefix("role:"))
        elif name not in values:
            return None
    return _VALUE.sub(lambda found: values[found[1]], resource)
