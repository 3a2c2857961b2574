"""Lakes whose pages are hard to show: hostile names, long texts, many hosts, and none."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from common.lake.lake import Lake
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, within, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.types import Row

SCRIPT = "<script>document.title='owned'</script>"
IMAGE = '"><img src=x onerror="document.title=\'owned\'">'
ARABIC = "\u202e\u0645\u0631\u062d\u0628\u0627\u202c"
LONG = "x" * 600
NAMES = {3: SCRIPT, 4: IMAGE, 5: ARABIC, 6: LONG}


def hostile_lake(folder: Path) -> Path:
    """Four cases of hosts with such names and users, and sessions with such rules."""
    outside = [PAIR | {"peer_ip": f"203.0.113.{place}"} for place in NAMES]
    write_alerts(folder, [(at, place, pair) for at, (place, pair) in enumerate(zip(NAMES, outside, strict=True))])
    lake = Lake(str(folder), SPEC)
    inventory, sessions = lake.table("machine_inventory"), lake.table("sessions")
    month = {"snapshot_month": "2026-03", "is_active": True}
    machines = [
        table_row(inventory, WHOLE[0], host_ip=host(place), machine_name=name, **month) for place, name in NAMES.items()
    ]
    write_table(folder, "machine_inventory", machines)
    rows = [
        table_row(sessions, WHOLE[at], src_ip=host(place), dst_ip=f"203.0.113.{place}", dst_port=443, rule=name,
                  src_user=name, app=name, end_ts=WHOLE[at].start, repeat_count=1)
        for at, (place, name) in enumerate(NAMES.items())
    ]  # fmt: skip
    write_table(folder, "sessions", rows)
    return folder


def beacon_lake(folder: Path) -> Path:
    """A case about sessions every 40 s, the third 20 s late, of which the last has a threat, too."""
    regular = {
        "feature": "pair_regular_24h",
        "kind": "outbound",
        "value": 0.95,
        "baseline_median": 0.0,
        "contribution": 5.0,
    }
    pair = PAIR | {"pieces": {"regular_24h": 5.0}}
    lake = write_alerts(folder, [(0, 3, pair)], features=json.dumps([regular]))
    ends = [WHOLE[0].start + timedelta(seconds=40 * place + 20 * (place == 2) + 30) for place in range(20)]
    one = {"src_ip": host(3), "dst_ip": PAIR["peer_ip"], "dst_port": 443, "duration_s": 30.0, "repeat_count": 1}
    records = [*((end, "tcp-fin") for end in ends), (ends[-1], None)]
    sessions = lake.table("sessions")
    rows = [table_row(sessions, WHOLE[0], **one, end_ts=end, session_end_reason=reason) for end, reason in records]
    write_table(folder, "sessions", rows)
    return folder


def related_lake(folder: Path) -> Path:
    """A case with a target, and one that shares a host with it."""
    write_alerts(folder, [(0, 3, within(5, 445)), (1, 5, within(3, 445, inbound=True)), (6, 5, PAIR)])
    return folder


def graph_lake(folder: Path) -> Path:
    """Host 3 met an address outside and, with most sessions failed, host 5, which alerted; both have hostile names."""
    lake = write_alerts(folder, [(0, 3, PAIR), (0, 3, within(5, 445)), (0, 5, within(3, 445, inbound=True))])
    month = {"snapshot_month": "2026-03", "is_active": True}
    inventory, names = lake.table("machine_inventory"), {3: LONG, 5: SCRIPT}
    machines = [
        table_row(inventory, WHOLE[0], host_ip=host(place), machine_name=name, **month) for place, name in names.items()
    ]
    write_table(folder, "machine_inventory", machines)
    met = [
        opened(lake, 0, str(PAIR["peer_ip"]), 443, 5, 0),
        opened(lake, 0, host(5), 445, 30, 28),
        opened(lake, 0, host(6), 445, 99, 0),  # no contact of the case
        opened(lake, 1, host(5), 445, 9, 0),  # after it
    ]
    write_table(folder, "delta_pair", met)
    return folder


def opened(lake: Lake, at: int, peer: str, port: int, sessions: int, failed: int, **others: Any) -> Row:
    """What host 3 began with a service of a peer in a window."""
    start = WHOLE[at].start
    given = {"host_ip": host(3), "role": "outbound", "protocol": "tcp", "peer_segment_id": "10.20.0.0/24"} | others
    counts = {"peer_port": port, "sessions_cnt": sessions, "failed_cnt": failed, "first_ts": start, "last_ts": start}
    return table_row(lake.table("delta_pair"), WHOLE[at], peer_ip=peer, **given, **counts)
