"""The batch index: the DynamoDB table in which every mini-batch is recorded under the window that it belongs to.

An entry has the key `<end of the window>#<org1>/<org2>/YYYY/MM/DD/<folder>`; releases before 0.2 left out all but the
folder. A claim, `path#<org1>/...`, says which window a folder belongs to, that of its first event: whoever comes first
writes it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from common.aws.clients import aws_errors, client
from common.windows import Windows, iso_seconds

SEPARATOR, AFTER_SEPARATOR, CLAIM = "#", "$", "path#"
PARTS_OF_A_FOLDER = 6
NAME = re.compile(r"[A-Za-z0-9_=][A-Za-z0-9._=-]{0,127}")
"""What the name of a mini-batch's folder may be: nothing that a shell, a glob, an option or a terminal understands."""

Item = dict[str, Any]


def place(path: str) -> str:
    """The part of a mini-batch's URI that tells it apart from all others of a project."""
    return "/".join(path.rstrip("/").split("/")[-PARTS_OF_A_FOLDER:])


def entry_key(end: datetime, path: str) -> str:
    """The key of a mini-batch in the window that has this end."""
    return f"{iso_seconds(end)}{SEPARATOR}{place(path)}"


def read_entries(table: str, project_name: str, first: datetime, last: datetime) -> list[Item]:
    """The entries of windows that end from `first` to `last`, both included, in the form of the low-level API.

    Raises:
        AwsError: the table is missing or cannot be read.
    """
    with aws_errors(f"mini-batches of project {project_name} cannot be read from table {table}"):
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=table,
                ConsistentRead=True,
                KeyConditionExpression="project_name = :project AND batch_key BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":project": {"S": project_name},
                    ":first": {"S": iso_seconds(first) + SEPARATOR},
                    ":last": {"S": iso_seconds(last) + AFTER_SEPARATOR},
                },
            )
        )
        return [item for page in pages for item in page["Items"]]


def record_found(table: str, project_name: str, window: Windows, path: str, event: datetime) -> None:
    """Records a mini-batch that was found without an event, unless it is known, here or in another window.

    Raises:
        AwsError: the table cannot be written.
    """
    dynamodb, project = client("dynamodb"), {"project_name": {"S": project_name}}
    start, end = {"S": iso_seconds(window.start)}, {"S": iso_seconds(window.end)}
    entry = {
        "batch_key": {"S": entry_key(window.end, path)},
        "batch_s3_path": {"S": path},
        "mini_batch_id": {"S": path.rpartition("/")[2]},
        "event_ts_iso": {"S": event.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
        "batch_start_ts_iso": start,
        "batch_end_ts_iso": end,
        "source": {"S": "listing"},
    }
    with aws_errors(f"the mini-batch {path} cannot be recorded in table {table}"):
        claimed = dynamodb.update_item(
            TableName=table,
            Key={**project, "batch_key": {"S": CLAIM + place(path)}},
            UpdateExpression="SET batch_start_ts_iso = if_not_exists(batch_start_ts_iso, :start), "
            "batch_end_ts_iso = if_not_exists(batch_end_ts_iso, :end)",
            ExpressionAttributeValues={":start": start, ":end": end},
            ReturnValues="ALL_NEW",
        )["Attributes"]
        if claimed["batch_end_ts_iso"] == end:
            with suppress(dynamodb.exceptions.ConditionalCheckFailedException):
                dynamodb.put_item(
                    TableName=table,
                    Item={**project, **entry},
                    ConditionExpression="attribute_not_exists(batch_key)",
                )
