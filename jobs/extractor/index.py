"""Mini-batches in the batch index, where the 15-minute state machine records each one received."""

from __future__ import annotations

from typing import Any

from common.aws.clients import aws_errors, client
from common.errors import NdrError
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows, iso_seconds, parse_moment
from jobs.extractor.candidates import Candidate, Candidates

SEPARATOR, AFTER_SEPARATOR = "#", "$"


def indexed(table: str, project_name: str, windows: Windows) -> Candidates:
    """The mini-batches of the index from one day before the windows to one day after.

    The extra days reveal mini-batches that were reported more than once.

    Raises:
        AwsError: the table is missing or cannot be read.
    """
    first, last = windows.start - (WINDOWS_PER_DAY - 1) * WINDOW, windows.end + WINDOWS_PER_DAY * WINDOW
    candidates = Candidates()
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
        items = [item for page in pages for item in page["Items"]]
    for item in items:
        try:
            candidates.found.append(_candidate(item))
        except (KeyError, NdrError) as error:
            key = item["batch_key"]["S"]
            reason = f"has no text {error}" if isinstance(error, KeyError) else f"is invalid: {error}"
            candidates.ignored.append((f"{table}/{key}", f"the index entry {reason}"))
    return candidates


def _candidate(item: dict[str, Any]) -> Candidate:
    values = {name: item[name]["S"] for name in ("event_ts_iso", "batch_s3_path", "mini_batch_id")}
    return Candidate(parse_moment(values["event_ts_iso"]), values["batch_s3_path"].rstrip("/"), values["mini_batch_id"])
