"""Batch folders: a folder with the files of a mini-batch and, in `_BATCH.json`, the time of its event."""

from __future__ import annotations

import json
from datetime import datetime

from common.errors import NdrError, WindowError, one_line
from common.windows import iso_seconds, parse_moment

EVENT_FILE = "_BATCH.json"
EVENT_FIELD = "event_ts_iso"


def event_time(content: bytes) -> datetime:
    """The time of the event (UTC) from the content of `_BATCH.json`.

    Raises:
        WindowError: the content has no valid time.
    """
    try:
        return parse_moment(json.loads(content)[EVENT_FIELD])
    except (ValueError, KeyError, TypeError, NdrError) as error:
        raise WindowError(
            f"{EVENT_FILE} has no valid {EVENT_FIELD}: {one_line(error, 200)}",
            f'Write it as {{"{EVENT_FIELD}": "2026-03-10T13:23:11Z"}}',
        ) from None


def event_content(moment: datetime) -> bytes:
    """The content of `_BATCH.json` for an event at that time."""
    return json.dumps({EVENT_FIELD: iso_seconds(moment)}).encode()
