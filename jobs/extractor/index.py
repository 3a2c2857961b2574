"""Batches found in the batch index, where the 15-minute state machine notes each that came in."""

from __future__ import annotations

from typing import Any

from common.aws.clients import aws_errors, client
from common.errors import NdrError
from common.windows import WINDOW, Windows, iso_seconds, parse_moment
from jobs.extractor.candidates import Candidate, Candidates

SEPARATOR, AFTER_SEPARATOR = "#", "$"
AROUND = 96


def indexed(table: str, project_name: str, windows: Windows) -> Candidates:
    """The batches that the index has for a day more than the windows, on either side.

    With those around, a batch that was reported twice is found out.

    Raises:
        AwsError: the table is missing or cannot be read.
    """
    first, last = windows.start - AROUND * WINDOW + WINDOW, windows.end + AROUND * WINDOW
    candidates = Candidates()
    with aws_errors(f"batches of project {project_name} cannot be read from table {table}"):
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
            reason = f"has no text {error}" if isinstance(error, KeyError) else str(error)
            candidates.ignored.append((f"{table}/{key}", f"the entry of the index {reason}"))
    return candidates


def _candidate(item: dict[str, Any]) -> Candidate:
    values = {name: item[name]["S"] for name in ("event_ts_iso", "batch_s3_path", "mini_batch_id")}
    return Candidate(parse_moment(values["event_ts_iso"]), values["batch_s3_path"].rstrip("/"), values["mini_batch_id"])
