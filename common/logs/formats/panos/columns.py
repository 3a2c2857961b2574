"""Column positions of PAN-OS TRAFFIC and THREAT logs, which are the same from release 6.0 to 11.x.

Releases only ever append columns, so a position holds for every line that is long enough.
"""

from __future__ import annotations

import re

from common.logs.records import THREAT, TRAFFIC

TYPE_POSITION = 3

COMMON_POSITIONS = {
    "device_serial": 2,
    "subtype": 4,
    "log_time": 6,
    "src_ip": 7,
    "dst_ip": 8,
    "rule": 11,
    "nat_src_ip": 9,
    "nat_dst_ip": 10,
    "src_user": 12,
    "dst_user": 13,
    "app": 14,
    "virtual_system": 15,
    "src_zone": 16,
    "dst_zone": 17,
    "session_id": 22,
    "repeat_count": 23,
    "src_port": 24,
    "dst_port": 25,
    "nat_src_port": 26,
    "nat_dst_port": 27,
    "protocol": 29,
    "action": 30,
}

POSITIONS = {
    TRAFFIC: COMMON_POSITIONS
    | {
        "bytes_sent": 32,
        "bytes_received": 33,
        "start_ts": 35,
        "duration_s": 36,
        "url_category": 37,
        "sequence_number": 39,
        "src_country": 41,
        "dst_country": 42,
        "packets_sent": 44,
        "packets_received": 45,
        "session_end_reason": 46,
        "device_name": 52,
        "precise_time": 102,
        "app_category": 106,
        "app_risk": 108,
    },
    THREAT: COMMON_POSITIONS
    | {
        "url": 31,
        "threat_id": 32,
        "url_category": 33,
        "severity": 34,
        "sequence_number": 36,
        "src_country": 38,
        "dst_country": 39,
        "device_name": 59,
        "threat_category": 69,
        "precise_time": 107,
        "app_category": 112,
        "app_risk": 114,
    },
}
"""Column positions by log type. `log_time` is the generated time, `precise_time` the high-resolution timestamp."""

NEEDED_COLUMNS = {TRAFFIC: 37, THREAT: 31}
"""Number of columns without which there is no session: up to the elapsed time, and up to the action."""

LINK_SWITCHES = 69
"""Position of a TRAFFIC column that PAN-OS 11.1 writes as `{a, b}` without quotes."""

RELEASE_COLUMNS = {
    TRAFFIC: frozenset({46, 47, 54, 61, 65, 67, 75, 105, 115, 117, 120, 121, 130}),
    THREAT: frozenset({42, 45, 54, 61, 72, 74, 75, 78, 79, 111, 120, 121, 123}),
}
"""Numbers of columns in known releases. A line of another length may be cut, or hold a second record, such as a system
log."""

VERSION_POSITION = 5

_COLUMNS_OF_VERSION = {
    TRAFFIC: {"2049": 65, "2304": 67, "2305": 75, "2560": 105, "2561": 115, "2562": 115, "2816": 117, "2817": 117},
    THREAT: {"2049": 74, "2304": 78, "2305": 79, "2560": 111, "2561": 120, "2562": 120, "2816": 121, "2817": 121},
}
"""Least number of columns by the version of the configuration (major * 256 + minor)."""


def is_cut(kind: str, columns: int, version: str) -> bool:
    """Whether a line of so many columns may have been cut off, so that its last column cannot be believed."""
    least = _COLUMNS_OF_VERSION[kind].get(version)
    if least is not None:
        return columns < least
    return columns not in RELEASE_COLUMNS[kind] and columns < max(RELEASE_COLUMNS[kind])


OTHER_TYPES = (
    *("SYSTEM", "CONFIG", "GLOBALPROTECT", "HIPMATCH", "HIP-MATCH", "USERID", "USER-ID", "AUTHENTICATION"),
    *("START", "END", "AUTH", "DNS"),
    *("DECRYPTION", "TUNNEL", "SCTP", "GTP", "CORRELATION", "IPTAG", "IP-TAG", "AUDIT", "WILDFIRE", "URL", "DATA"),
)
"""Log types that describe no session: counted, not kept."""

TYPES = frozenset({TRAFFIC, THREAT, *OTHER_TYPES})

RECEIVE_TIME = r"[0-9]{1,4}[/-][0-9]{1,2}[/-][0-9]{1,4}[ T][0-9:]{4,8}(?:[.][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"

ENDS_IN_TIME = rf"(?:{RECEIVE_TIME}|\A[0-9:]{{4,8}})"
"""The end of the text before the serial number; of a line whose beginning is missing, a part of the time."""

RECORD_START = re.compile(
    rf"(?:[01],)?{RECEIVE_TIME},[^,]{{0,64}},"
    rf"((?:{'|'.join(sorted(TYPES))}|traffic|threat),|[A-Za-z][A-Za-z-]{{1,31}},[^,]{{0,64}},[0-9.]{{0,8}},{RECEIVE_TIME},)"
)
"""The first columns of any PAN-OS log: future use (may be missing), receive time, serial number, type.

A type that is not known is one if version and generated time follow in their places.
"""

RECORD_START_BYTES = re.compile(RECORD_START.pattern.encode())
