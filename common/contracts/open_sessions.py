"""The table of the sessions that are still open."""

from __future__ import annotations

from dataclasses import replace

from common.contracts.columns import PARTITIONS
from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import Column, Table

_NAMES = ("device_serial", "src_ip", "src_port", "dst_ip", "dst_port", "protocol", "app", "rule", "src_user")
_BYTES = ("bytes_sent", "bytes_received")
_OF_SESSION = {column.name: column for column in SESSION_COLUMNS}

OPEN_COLUMNS = (
    Column("session_id", "string", "session identifier of the device"),
    Column("start_ts", "timestamp", "start of the session", "UTC"),
    Column("last_seen_ts", "timestamp", "when its last start log or update was written", "UTC"),
    *(_OF_SESSION[name] for name in _NAMES),
    *(replace(_OF_SESSION[name], meaning=f"{_OF_SESSION[name].meaning} until then") for name in _BYTES),
)

OPEN_SESSIONS = Table(
    "open_sessions",
    "one row per session without an end and 15-minute window at the end of which it is open",
    (*OPEN_COLUMNS, *PARTITIONS),
    ("date",),
    ("device_serial", "session_id", "start_ts", "window"),
)
