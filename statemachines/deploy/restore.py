"""Tables as they were at a time, and objects that were deleted, from what AWS keeps of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from common.aws.clients import aws_errors, client
from common.errors import DeploymentError
from common.retries import polled

MOST_WRITTEN = 25
"""Items that DynamoDB takes at once."""
WAIT = {"Delay": 1, "MaxAttempts": 86_400}
Item = dict[str, Any]


@dataclass(frozen=True)
class TablePlan:
    """What becomes of a table: items that are put back, and those that go as they were not there."""

    table: str
    copy: str
    put: tuple[Item, ...]
    deleted: tuple[Item, ...]
    unchanged: int


def copied_as_of(table: str, moment: datetime) -> str:
    """The name of a new table that has what the table had at a time; the copy is made unless it is there.

    Raises:
        DeploymentError: the table does not exist or keeps no history, or not of that time.
        AwsError: a call was refused.
    """
    dynamodb, name = client("dynamodb"), f"{table}-as-of-{moment:%Y%m%dT%H%M%SZ}"
    with aws_errors(f"the table {table} cannot be restored"):
        try:
            dynamodb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=name, RestoreDateTime=moment)
        except ClientError as error:
            match error.response["Error"]["Code"]:
                case "TableAlreadyExistsException":
                    pass  # an earlier run made it
                case "TableNotFoundException":
                    raise DeploymentError(
                        f"there is no table {table}", "ndr-statemachines status lists what is"
                    ) from None
                case "PointInTimeRecoveryUnavailableException" | "InvalidRestoreTimeException":
                    raise DeploymentError(
                        f"the table {table} cannot be restored to {moment:%Y-%m-%dT%H:%M:%SZ}: "
                        f"{error.response['Error']['Message']}",
                        "AWS keeps 35 days of tables whose point-in-time recovery is on; give a time within these",
                    ) from None
                case _:
                    raise
        try:
            dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig=WAIT)
        except WaiterError as error:
            raise DeploymentError(f"the copy {name} is not there: {error}", "Repeat the command") from None
    return name


def plan(table: str, copy: str) -> TablePlan:
    """What a table lacks and has too much against a copy of it.

    Raises:
        AwsError: one of them cannot be read.
    """
    dynamodb = client("dynamodb")
    with aws_errors(f"the table {table} and its copy {copy} cannot be compared"):
        keys = [key["AttributeName"] for key in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]]
        wanted, found = (dict(_items(dynamodb, name, keys)) for name in (copy, table))
    return TablePlan(
        table,
        copy,
        tuple(item for key, item in wanted.items() if found.get(key) != item),
        tuple({name: item[name] for name in keys} for key, item in found.items() if key not in wanted),
        sum(found.get(key) == item for key, item in wanted.items()),
    )


def apply(planned: TablePlan) -> None:
    """Makes the table what its copy is, and removes the copy. Interrupted and planned again, it does the rest.

    Raises:
        DeploymentError: DynamoDB does not take all writes.
        AwsError: a call was refused.
    """
    dynamodb = client("dynamodb")
    requests = [{"PutRequest": {"Item": item}} for item in planned.put]
    requests += [{"DeleteRequest": {"Key": key}} for key in planned.deleted]
    with aws_errors(f"the table {planned.table} cannot be written"):
        for start in range(0, len(requests), MOST_WRITTEN):
            _write(dynamodb, planned.table, requests[start : start + MOST_WRITTEN])
    discard(planned.copy)


def discard(copy: str) -> None:
    """Removes a copy.

    Raises:
        AwsError: it cannot be removed.
    """
    with aws_errors(f"the copy {copy} cannot be removed"):
        client("dynamodb").delete_table(TableName=copy)


def _items(dynamodb: Any, table: str, keys: list[str]) -> Iterator[tuple[str, Item]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            yield json.dumps([item[name] for name in keys], default=str), item


def _write(dynamodb: Any, table: str, requests: Sequence[Mapping[str, Any]]) -> None:
    left = {table: requests}

    def all_taken() -> bool | None:
        left.update(dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems") or {table: []})
        return None if left[table] else True

    if polled(f"the writes to {table}", all_taken, first_pause_seconds=0.1, seconds=300) is None:
        raise DeploymentError(f"the table {table} does not take all writes", "Repeat the command: it does the rest")


@dataclass(frozen=True)
class Deleted:
    """An object that was deleted, as a marker says, which hides its versions."""

    key: str
    marker: str
    moment: datetime


def deleted_objects(bucket: str, prefix: str, since: datetime) -> list[Deleted]:
    """The objects of a bucket below a prefix that were deleted since a time, by key.

    Raises:
        DeploymentError: there is no such bucket, or it keeps no versions.
        AwsError: a call was refused.
    """
    s3 = client("s3")
    with aws_errors(f"the versions in the bucket {bucket} cannot be read"):
        try:
            status = s3.get_bucket_versioning(Bucket=bucket).get("Status")
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            raise DeploymentError(f"there is no bucket {bucket}", "Give its whole name") from None
        pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix))
    if status is None:
        raise DeploymentError(
            f"the bucket {bucket} keeps no versions, so what was deleted is gone",
            "Build it again: windows from the logs, Parquet from the files that landed",
        )
    versions = {entry["Key"] for page in pages for entry in page.get("Versions", [])}
    markers = [entry for page in pages for entry in page.get("DeleteMarkers", [])]
    return [
        Deleted(entry["Key"], entry["VersionId"], entry["LastModified"])
        for entry in sorted(markers, key=lambda entry: str(entry["Key"]))
        if entry["IsLatest"] and entry["LastModified"] >= since and entry["Key"] in versions
    ]


def undelete(bucket: str, deleted: list[Deleted]) -> None:
    """Removes the markers, so that the objects are there again as they were before they were deleted.

    Raises:
        DeploymentError: some cannot be removed.
        AwsError: a call was refused.
    """
    s3 = client("s3")
    for start in range(0, len(deleted), 1000):
        keys = [{"Key": one.key, "VersionId": one.marker} for one in deleted[start : start + 1000]]
        with aws_errors(f"objects of the bucket {bucket} cannot be restored"):
            failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}).get("Errors", [])
        if failed:
            raise DeploymentError(
                f"{len(failed):,} objects of the bucket {bucket} cannot be restored: {failed[0].get('Message', '')}",
                "Correct the cause, and repeat the command: it does the rest",
            )
