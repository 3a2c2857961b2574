"""What brings files and manifests back: reprocessing, releasing, and dead letters that return to their queue."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.errors import InputError
from common.ingestion.items import ManifestRecord, TrackedFile
from common.ingestion.keys import timestamp
from common.ingestion.states import FileState, ManifestState
from common.ingestion.writes import MOST_WRITES, Value, Write, all_of, equals
from tools.ingestion.stack import Ingestion

NOT_OFFERED = ("InvalidAction", "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation")


def failed_manifests(ingestion: Ingestion, ids: Collection[str]) -> list[ManifestRecord]:
    """The manifests that failed, or those of the ids.

    Raises:
        InputError: one of the ids is no failed manifest.
    """
    items = (item for item in ingestion.table.scanned() if item.get("kind") == "manifest")
    failed = [record for record in map(ManifestRecord.from_item, items) if record.status == ManifestState.FAILED]
    if missing := sorted(set(ids) - {record.id for record in failed}):
        raise InputError(f"{missing[0]} is not a failed manifest", "Look at ndr-ingestion trace FILE, or status")
    return [record for record in failed if not ids or record.id in ids]


def reprocess(ingestion: Ingestion, record: ManifestRecord) -> bool:
    """Has a failed manifest run again as the next attempt; False if somebody else did so meanwhile.

    The next sweep starts the execution.
    """
    mine, now = equals("manifest_id", record.id), timestamp(datetime.now(UTC))
    states: dict[str, Value] = {"status": str(ManifestState.MANIFESTED), "updated_at": now}
    files = [Write("update", key, all_of(mine), states) for key in record.keys_of_files]
    for first in range(0, len(files), MOST_WRITES):
        if not ingestion.table.write(*files[first : first + MOST_WRITES]):
            raise InputError(f"files of manifest {record.id} are no longer its own", "Look at ndr-ingestion trace FILE")
    condition = all_of(equals("status", str(ManifestState.FAILED)), equals("attempt", record.attempt))
    values = {**states, "attempt": record.attempt + 1, **record.in_index}
    return ingestion.table.write(Write("update", record.key, condition, values, ("error", "job_run_id")))


def release(ingestion: Ingestion, file: TrackedFile, by: str) -> bool:
    """Makes a quarantined file pending, with a note of why it was quarantined; False if it is not quarantined."""
    now = timestamp(datetime.now(UTC))
    note = f"released by {by} at {now}; it was quarantined: {file.reason}"
    values: dict[str, Value] = {
        "status": str(FileState.PENDING),
        "updated_at": now,
        "warning": "; ".join(filter(None, (file.warning, note))),
        **file.in_index,
    }
    condition = all_of(equals("status", str(FileState.QUARANTINED)))
    return ingestion.table.write(Write("update", file.key, condition, values, ("reason", "expires_at")))


def redrive(ingestion: Ingestion) -> int:
    """How many dead letters are on their way back to the queue."""
    dead, queue = ingestion.outputs["IngestionDeadLetterQueueUrl"], ingestion.outputs["IngestionQueueUrl"]
    sqs = client("sqs")
    count = ingestion.messages("IngestionDeadLetterQueueUrl")
    if not count:
        return 0
    with aws_errors(f"messages of {dead} cannot be moved"):
        found = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        try:
            sqs.start_message_move_task(SourceArn=found["Attributes"]["QueueArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_OFFERED:
                raise
            return sum(1 for _ in _moved(sqs, dead, queue))
    return count


def _moved(sqs: Any, source: str, target: str) -> Iterator[str]:
    """The ids of messages, each sent to the target before it is deleted."""
    while messages := sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            yield message["MessageId"]
