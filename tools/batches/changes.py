"""Mini-batches are sent again, and removed."""

from __future__ import annotations

import json
import time

from common.aws.batch_index import CLAIM, place
from common.aws.clients import aws_errors, client
from common.errors import AwsError, InputError
from tools.batches.states import Batch, Tables, is_held, published, read_lock
from tools.batches.terms import ASIDE, FAILED, INCLUDED, UNFINISHED

EVENT, SOURCE = "NdrBatchCompleted", "ndr.batches"
RETRIED = (ASIDE, FAILED, UNFINISHED)


def retry(tables: Tables, bus: str, batch: Batch) -> None:
    """Clears why the mini-batch was set aside or failed, and sends its event again.

    Raises:
        InputError: it is published already.
        AwsError: a table or the bus refused the call.
    """
    if batch.state == INCLUDED:
        raise InputError(f"{batch.path} is in the tables already", "There is nothing to retry")
    with aws_errors(f"the entry of {batch.path} cannot be changed in table {tables.index}"):
        for key in batch.keys:
            client("dynamodb").update_item(
                TableName=tables.index,
                Key=_key(tables, key),
                UpdateExpression="REMOVE set_aside, set_aside_at, failure, failed_at",
                ConditionExpression="attribute_exists(batch_key)",
            )
    detail = json.dumps({"batch_s3_path": f"{batch.path}/", "timestamp": batch.event_ts})
    entry = {"EventBusName": bus, "Source": SOURCE, "DetailType": EVENT, "Detail": detail}
    with aws_errors(f"the event of {batch.path} cannot be sent to the bus {bus}"):
        answer = client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        reason = answer["Entries"][0].get("ErrorMessage", "no reason given")
        raise AwsError(f"the event of {batch.path} was refused by the bus {bus}: {reason}", "Run the command again")


def remove(tables: Tables, batch: Batch) -> None:
    """Removes the mini-batch from the index, as if it had never been announced; its files stay.

    Raises:
        InputError: it is in the tables, or an execution works on its window.
        AwsError: a table refused the call.
    """
    _refuse(tables, batch)
    dynamodb = client("dynamodb")
    lock = {
        "TableName": tables.locks,
        "Key": {"lock_id": {"S": tables.lock_id(batch.window)}},
        "ConditionExpression": "(attribute_not_exists(#owner) OR expires_at < :now OR #status = :succeeded) "
        "AND NOT contains(batches, :path) AND NOT contains(published, :path)",
        "ExpressionAttributeNames": {"#owner": "owner", "#status": "status"},
        "ExpressionAttributeValues": {
            ":now": {"N": str(int(time.time()))},
            ":path": {"S": batch.path},
            ":succeeded": {"S": "SUCCEEDED"},
        },
    }
    keys = (*batch.keys, CLAIM + place(batch.path))
    deletes = [{"Delete": {"TableName": tables.index, "Key": _key(tables, key)}} for key in keys]
    with aws_errors(f"{batch.path} cannot be removed from table {tables.index}"):
        try:
            dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": lock}, *deletes])
        except dynamodb.exceptions.TransactionCanceledException:
            _refuse(tables, batch)
            raise


def _refuse(tables: Tables, batch: Batch) -> None:
    lock = read_lock(tables, batch.window)
    if batch.path in (*published(lock), *lock.get("batches", {}).get("SS", [])):
        raise InputError(
            f"{batch.path} is in the tables of window {batch.window}, and cannot be removed",
            "Leave it there: the next run of the window would count what the index lacks no more",
        )
    if is_held(lock):
        raise InputError(
            f"{lock['owner']['S']} works on window {batch.window} and may have taken {batch.path} along",
            "Wait until it has ended, and look at ndr-batches list",
        )


def _key(tables: Tables, key: str) -> dict[str, dict[str, str]]:
    return {"project_name": {"S": tables.project_name}, "batch_key": {"S": key}}
