"""What the fields of Zeek's conn.log say of a session."""

from __future__ import annotations

from common.logs.json_fields import Fields
from common.logs.zeek_states import CONSTANTS, application, end_reason

LONG = "conn_long"
CONNECTIONS = frozenset({"conn", LONG})
"""The streams whose records are connections: those that have ended, and those that last."""

_PATHS: dict[str, tuple[str, ...]] = {
    "start_ts": ("ts",),
    "duration_s": ("duration",),
    "session_id": ("uid",),
    "src_ip": ("id.orig_h", "id_orig_h"),
    "src_port": ("id.orig_p", "id_orig_p"),
    "dst_ip": ("id.resp_h", "id_resp_h"),
    "dst_port": ("id.resp_p", "id_resp_p"),
    "protocol": ("proto",),
    "bytes_sent": ("orig_ip_bytes", "orig_bytes"),
    "bytes_received": ("resp_ip_bytes", "resp_bytes"),
    "packets_sent": ("orig_pkts",),
    "packets_received": ("resp_pkts",),
    "service": ("service",),
    "state": ("conn_state",),
    "stream": ("_path",),
}


def subtype(stream: str | None) -> str:
    """`update` for a connection that lasts, which `conn` has again when it has ended; `end` for all others."""
    return "update" if stream == LONG else CONSTANTS["subtype"]


CONN = Fields(
    _PATHS,
    rules={
        "app": (application, ("protocol", "state", "service")),
        "session_end_reason": (end_reason, ("protocol", "state")),
        "subtype": (subtype, ("stream",)),
    },
    constants=CONSTANTS,
    defaults={"duration_s": "0"},
)
"""The values of a connection. Bytes are those of IP packets if Zeek logged them, else of the payload."""


def kind_of(stream: str | None, state: str | None, sent: str | None) -> str | None:
    """The stream of a record in JSON: `conn` too if it does not say but has a field that only connections have."""
    if stream:
        return "conn" if stream in CONNECTIONS else stream
    return "conn" if state or sent else "other Zeek record"
