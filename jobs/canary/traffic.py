"""The sessions of the attacks: a real session of the host, with other peers, times, sizes and outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from common.windows import Windows

BEACON, SCAN, UPLOAD = ATTACKS = ("beacon", "scan", "upload")
CONTROLLER, STORE = "203.0.113.77", "198.51.100.77"
"""Addresses for documentation (RFC 5737), which no real session has."""
PERIOD = timedelta(minutes=5)
TARGETS, FEWEST_TARGETS = 200, 50
UPLOADS, UPLOAD_BYTES = 20, 100_000_000
FIRST_NUMBER = 8_000_000_000_000_000_000
"""Of sequence numbers, beyond those of devices: no session is a duplicate of a real one."""
EMPTY = dict.fromkeys(
    ("threat_id", "severity", "threat_category", "url", "src_user", "dst_user", "dst_country",
     "nat_src_ip", "nat_src_port", "nat_dst_ip", "nat_dst_port")
)  # fmt: skip
ANSWERED = {"action": "allow", "app": "ssl", "session_end_reason": "tcp-fin"}
UNANSWERED = {"action": "allow", "app": "incomplete", "session_end_reason": "aged-out"}


@dataclass(frozen=True)
class Attack:
    """An attack of a host: what is special about each of its sessions."""

    name: str
    host: str
    sessions: Sequence[Mapping[str, Any]]

    def rows(self, like: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
        """Its sessions, numbered from `number`; what is not special is as in a real session of the host."""
        return [
            {
                **like,
                **EMPTY,
                "event_type": "TRAFFIC",
                "subtype": "end",
                "protocol": "tcp",
                "repeat_count": 1,
                "src_port": 40_000 + place % 20_000,
                "session_id": str(FIRST_NUMBER + number + place),
                "sequence_number": FIRST_NUMBER + number + place,
                "start_ts": special["end_ts"] - timedelta(seconds=special["duration_s"]),
                "log_ts": special["end_ts"],
                **special,
            }
            for place, special in enumerate(self.sessions)
        ]


def beacon(host: str, history: Windows) -> Attack:
    """Check-ins like a clock through all of the history, which ends with the window, to a peer nobody knows."""
    ends = [history.start + PERIOD / 2 + PERIOD * place for place in range((history.end - history.start) // PERIOD)]
    return Attack(BEACON, host, [_session(end, 1.0, CONTROLLER, 443, 850, 1_200, ANSWERED) for end in ends])


def scan(host: str, window: Windows, targets: Sequence[str]) -> Attack:
    """Attempts at one port of many addresses that nobody has, none of them answered."""
    return Attack(SCAN, host, [
        _session(window.start + timedelta(seconds=60 + 3 * place), 0.0, target, 445, 66, 0, UNANSWERED)
        for place, target in enumerate(targets)
    ])  # fmt: skip


def upload(host: str, window: Windows) -> Attack:
    """Two gigabytes to a peer nobody knows, in sessions of half a minute."""
    return Attack(UPLOAD, host, [
        _session(window.start + timedelta(seconds=60 + 35 * place), 30.0, STORE, 443, UPLOAD_BYTES, 60_000, ANSWERED)
        for place in range(UPLOADS)
    ])  # fmt: skip


def with_attacks(sessions: pa.Table, attacks: Sequence[Attack], likes: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    """The sessions and those of the attacks; `likes` has a real session of each host that attacks."""
    number, made = 0, []
    for attack in attacks:
        made += attack.rows(likes[attack.host], number)
        number += len(attack.sessions)
    return pa.concat_tables([sessions, pa.Table.from_pylist(made, schema=sessions.schema)])


def _session(
    end: datetime, seconds: float, peer: str, port: int, sent: int, received: int, outcome: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "end_ts": end,
        "duration_s": seconds,
        "dst_ip": peer,
        "dst_port": port,
        "bytes_sent": sent,
        "bytes_received": received,
        "packets_sent": max(1, sent // 1_200),
        "packets_received": -(-received // 1_200),
        **outcome,
    }
