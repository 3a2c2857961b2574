"""Point-in-time recovery of tables: ministack restores a table as it is now, whatever time is asked for.

The changes of tables that have the recovery are remembered while the server runs, and undone in the restored table.
"""

from __future__ import annotations

import json
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from localaws.server.patching import replace

MOST = 10_000
"""Changes of a table that are remembered; a time before the first of more is refused."""


class Change(NamedTuple):
    """When an item was written or deleted, its new value, and the one before; None where there was none."""

    moment: float
    new: dict[str, Any] | None
    old: dict[str, Any] | None


_changes: dict[str, deque[Change]] = {}
_started = time.time()

_original_emit = dynamodb._emit_stream_event
_original_restore = dynamodb._restore_table_to_point_in_time


def install() -> None:
    """Makes ministack remember changes, and restore to a time."""
    replace(dynamodb, "_emit_stream_event", remember)
    replace(dynamodb, "_restore_table_to_point_in_time", restore)


def remember(
    table_name: str,
    event_name: str,
    old_item: dict[str, Any] | None,
    new_item: dict[str, Any] | None,
    replicate: bool = True,
) -> None:
    """Remembers a change of an item, where its table has the recovery."""
    if dynamodb._pitr_settings.get(table_name):
        _changes.setdefault(table_name, deque(maxlen=MOST)).append(Change(time.time(), new_item, old_item))
    _original_emit(table_name, event_name, old_item, new_item, replicate)


def restore(data: dict[str, Any]) -> Any:
    """Restores a table under another name as it was at a time, or is now."""
    name = data.get("SourceTableName") or dynamodb._normalize_table_name(data.get("SourceTableArn") or "")
    if name in dynamodb._tables and not dynamodb._pitr_settings.get(name):
        message = f"Point in time recovery is not enabled for table '{name}'"
        return error_response_json("PointInTimeRecoveryUnavailableException", message, 400)
    moment = time.time() if data.get("UseLatestRestorableTime") else float(data.get("RestoreDateTime") or 0)
    changes = _changes.get(name, deque())
    earliest = changes[0].moment if len(changes) == MOST else _started
    if name in dynamodb._tables and not earliest <= moment <= time.time():
        since = datetime.fromtimestamp(earliest, UTC).isoformat(timespec="seconds")
        message = f"Invalid Restore Time: this server knows the table since {since}"
        return error_response_json("InvalidRestoreTimeException", message, 400)
    response = _original_restore(data)
    if response[0] == 200:
        table = dynamodb._tables[json.loads(response[2])["TableDescription"]["TableName"]]
        for change in reversed(changes):
            if change.moment > moment:
                _undo(table, change)
        dynamodb._items_replaced(table)
    return response


def _undo(table: dict[str, Any], change: Change) -> None:
    item = change.old or change.new or {}
    keys = [dynamodb._extract_key_val(item.get(table[name])) for name in ("pk_name", "sk_name") if table[name]]
    partition, sort = keys if len(keys) == 2 else (*keys, "__no_sort__")
    if change.old is None:
        dynamodb._remove_item(table, partition, sort)
    else:
        dynamodb._set_item(table, partition, sort, change.old)
