"""What has become of each mini-batch: the entries of the batch index, judged by the locks of their windows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from common.aws.batch_index import SEPARATOR, Item, read_entries
from common.aws.clients import aws_errors, client
from common.windows import WINDOW, Windows, iso_seconds, parse_moment
from tools.batches.terms import ANNOUNCED, ASIDE, FAILED, INCLUDED, UNFINISHED


@dataclass(frozen=True)
class Tables:
    """Names of the tables, and the project whose mini-batches are looked at."""

    index: str
    locks: str
    project_name: str
    feature_spec_version: str

    def lock_id(self, window: Windows) -> str:
        """The key of a window's lock."""
        bounds = (iso_seconds(window.start), iso_seconds(window.end))
        return SEPARATOR.join((self.project_name, self.feature_spec_version, *bounds))


@dataclass(frozen=True)
class Batch:
    """A mini-batch of the index: its folder, its window, its state and why, and its keys in the index."""

    path: str
    window: Windows
    event_ts: str
    state: str
    reason: str
    keys: tuple[str, ...]


def find_batches(tables: Tables, windows: Windows) -> list[Batch]:
    """The mini-batches of the windows by window and folder, each once.

    Raises:
        AwsError: a table is missing or cannot be read.
    """
    found: dict[tuple[Windows, str], list[Item]] = {}
    for item in read_entries(tables.index, tables.project_name, windows.start + WINDOW, windows.end):
        end = parse_moment(item["batch_key"]["S"].partition(SEPARATOR)[0])
        path = item.get("batch_s3_path", {}).get("S", "").rstrip("/")
        found.setdefault((Windows(end - WINDOW, end), path), []).append(item)
    locks = {window: read_lock(tables, window) for window in {window for window, _ in found}}
    return [_judged(path, window, items, locks[window]) for (window, path), items in sorted(found.items())]


def read_lock(tables: Tables, window: Windows) -> Item:
    """The lock of a window, empty if nobody has taken it yet."""
    with aws_errors(f"the lock of window {window} cannot be read from table {tables.locks}"):
        answer = client("dynamodb").get_item(
            TableName=tables.locks, Key={"lock_id": {"S": tables.lock_id(window)}}, ConsistentRead=True
        )
    lock: Item = answer.get("Item", {})
    return lock


def _judged(path: str, window: Windows, items: list[Item], lock: Item) -> Batch:
    attributes = {name: value["S"] for item in items for name, value in item.items() if "S" in value}
    state, reason = _state(path, attributes, lock)
    keys = tuple(item["batch_key"]["S"] for item in items)
    return Batch(path, window, attributes.get("event_ts_iso", ""), state, reason, keys)


def _state(path: str, attributes: Mapping[str, str], lock: Item) -> tuple[str, str]:
    if path in published(lock):
        return INCLUDED, ""
    if "set_aside" in attributes:
        return ASIDE, attributes["set_aside"]
    if is_held(lock):
        return ANNOUNCED, f"by {lock['owner']['S']}"
    if "failure" in attributes:
        return FAILED, attributes["failure"]
    return UNFINISHED, ""


def published(lock: Item) -> list[str]:
    """The mini-batches of the window's last publication; the release before kept them as `batches`."""
    before = lock.get("status", {}).get("S") == "SUCCEEDED"
    paths: list[str] = lock.get("batches" if before else "published", {}).get("SS", [])
    return paths


def is_held(lock: Item) -> bool:
    """Whether an execution has the lock, and its lease has not ended."""
    if "owner" not in lock or lock.get("status", {}).get("S") == "SUCCEEDED":
        return False
    return int(lock["expires_at"]["N"]) >= int(time.time())
