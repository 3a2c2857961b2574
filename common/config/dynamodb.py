"""DynamoDB items of a project: its parameters, and the routing of an organisation to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from common.aws.clients import aws_errors, client
from common.config.loader import build
from common.config.orchestration import OrchestrationParameters
from common.config.project import ProjectParameters
from common.config.sources import PARTITION_KEY, SORT_KEY, sort_key
from common.config.values import s3_folder
from common.errors import ParameterError

Item = dict[str, dict[str, str]]


def project_item(
    project_name: str,
    feature_spec_version: str,
    settings: Mapping[str, Any],
    orchestration: Mapping[str, Any] | OrchestrationParameters,
) -> Item:
    """The DynamoDB item of a project, in the form of the low-level API.

    Attribute `settings` holds the project parameters as given, in JSON; attribute `orchestration` holds all
    orchestration parameters including defaults, because state machines have none of their own.

    Raises:
        ParameterError: a parameter is unknown or invalid.
    """
    place = f"settings of project {project_name}"
    build(ProjectParameters, settings, place)
    if not isinstance(orchestration, OrchestrationParameters):
        orchestration = build(OrchestrationParameters, orchestration, f"orchestration of project {project_name}")
    return {
        PARTITION_KEY: {"S": _key(project_name, "project name")},
        SORT_KEY: {"S": sort_key(_key(feature_spec_version, "feature specification"))},
        "settings": {"S": json.dumps(settings, sort_keys=True)},
        "orchestration": {"S": json.dumps(orchestration.model_dump(mode="json"), sort_keys=True)},
    }


def routing_item(org1: str, org2: str, project_name: str, feature_spec_version: str, ingestion_prefix: str) -> Item:
    """The DynamoDB item that routes the mini-batches below s3://bucket/org1/org2 to a project.

    Raises:
        ParameterError: a name is empty or contains `#` or `/`, or the prefix does not end in /org1/org2.
    """
    prefix = s3_folder(ingestion_prefix, "ingestion_prefix")
    organisation = (_key(org1, "org1"), _key(org2, "org2"))
    if not prefix.endswith("/" + "/".join(organisation)):
        raise ParameterError(
            f"ingestion_prefix {prefix} does not end in /{org1}/{org2}", "Use the form s3://bucket/org1/org2"
        )
    return {
        "org_key": {"S": "#".join(organisation)},
        "project_name": {"S": _key(project_name, "project name")},
        "feature_spec_version": {"S": _key(feature_spec_version, "feature specification")},
        "ingestion_prefix": {"S": prefix},
    }


def seed_project(
    table: str,
    project_name: str,
    feature_spec_version: str,
    settings: Mapping[str, Any],
    orchestration: Mapping[str, Any] | OrchestrationParameters,
) -> Item:
    """Writes the project's item to the table, replacing any earlier one, and returns it."""
    return _put(table, project_item(project_name, feature_spec_version, settings, orchestration))


def seed_routing(
    table: str, org1: str, org2: str, project_name: str, feature_spec_version: str, ingestion_prefix: str
) -> Item:
    """Writes the organisation's item to the routing table, replacing any earlier one, and returns it."""
    return _put(table, routing_item(org1, org2, project_name, feature_spec_version, ingestion_prefix))


def project_names(table: str) -> list[str]:
    """The names of the projects that have an item in the table, sorted.

    Raises:
        AwsError: it cannot be read.
    """
    with aws_errors(f"the projects in table {table} cannot be read"):
        pages = (
            client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=table, ProjectionExpression="#name", ExpressionAttributeNames={"#name": PARTITION_KEY})
        )
        return sorted({item[PARTITION_KEY]["S"] for page in pages for item in page["Items"]})


def _put(table: str, item: Item) -> Item:
    with aws_errors(f"an item cannot be written to table {table}"):
        client("dynamodb").put_item(TableName=table, Item=item)
    return item


def _key(value: str, name: str) -> str:
    if not value or set(value) & set("#/"):
        raise ParameterError(f"{name} {value!r} is empty or contains # or /", "Give a name without # and /")
    return value
