"""The windows of the project acme: their locks, their entries in the batch index, and the steps that ran for them."""

from __future__ import annotations

import time
from typing import Any

from tests.statemachines.control_plane import ControlPlane, window


def lock_id(number: int) -> str:
    return "acme#v1#" + "#".join(window(number))


def calls_of(plane: ControlPlane, command: str, number: int) -> list[str]:
    return [call for call in plane.calls if call.startswith(f"{command} ") and "/".join(window(number)) in call]


def index(plane: ControlPlane, number: int) -> dict[str, dict[str, Any]]:
    """The entries of a window in the batch index, by the name of the batch's folder."""
    found = plane.aws.client("dynamodb").query(
        TableName="batch_index", KeyConditionExpression="project_name = :project AND begins_with(batch_key, :end)",
        ExpressionAttributeValues={":project": {"S": "acme"}, ":end": {"S": window(number)[1]}}, ConsistentRead=True,
    )  # fmt: skip
    items = [{name: next(iter(value.values())) for name, value in item.items()} for item in found["Items"]]
    return {item["batch_key"].rpartition("/")[2]: item for item in items}


def end_lease(plane: ControlPlane, number: int) -> None:
    plane.aws.client("dynamodb").update_item(
        TableName="processing_lock", Key={"lock_id": {"S": lock_id(number)}}, UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
    )  # fmt: skip


def wait_for_call(plane: ControlPlane, command: str, number: int, execution: str) -> None:
    deadline = time.monotonic() + 60
    while not calls_of(plane, command, number):
        assert time.monotonic() < deadline, plane.visited(execution)
        time.sleep(0.05)
