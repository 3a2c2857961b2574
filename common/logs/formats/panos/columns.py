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

MIN_COLUMNS = {TRAFFIC: 46, THREAT: 42}
"""Number of columns in the oldest release (TRAFFIC 6.0, THREAT 5.0): a shorter line has been cut off."""

RELEASE_COLUMNS = {
    TRAFFIC: frozenset({46, 47, 54, 61, 65, 67, 75, 105, 115, 117, 120, 121, 130}),
    THREAT: frozenset({42, 45, 54, 61, 72, 74, 75, 78, 79, 111, 120, 121, 123}),
}
"""Numbers of columns in known releases. A line of another length may hold a second record, such as a system log."""

OTHER_TYPES = (
    *("SYSTEM", "CONFIG", "GLOBALPROTECT", "HIPMATCH", "HIP-MATCH", "USERID", "USER-ID", "AUTHENTICATION"),
    *("DECRYPTION", "TUNNEL", "SCTP", "GTP", "CORRELATION", "IPTAG", "IP-TAG", "AUDIT", "WILDFIRE", "URL", "DATA"),
)
"""Log types that describe no session: counted, not kept."""

TYPES = frozenset({TRAFFIC, THREAT, *OTHER_TYPES})

RECEIVE_TIME = "[0-9]{1,4}/[0-9]{1,2}/[0-9]{1,4} [0-9:]{4,8}"

ENDS_IN_TIME = re.compile(rf"{RECEIVE_TIME}\Z")

RECORD_START = re.compile(rf"(?:[01],)?{RECEIVE_TIME},[^,]{{0,64}},({'|'.join(sorted(TYPES))}),")
"""The first columns of any PAN-OS log: future use (may be missing), receive time, serial number, type."""

RECORD_START_BYTES = re.compile(RECORD_START.pattern.encode())
