"""Records of every release, and what counts."""

from __future__ import annotations

import pytest

from tests.common.logs.panos_logs import THREAT_RELEASES, TRAFFIC_RELEASES, threat, traffic
from tests.common.logs.panos_reading import at, parsed


@pytest.mark.parametrize(("release", "columns"), TRAFFIC_RELEASES.items())
def test_traffic_of_every_release(release: str, columns: int) -> None:
    assert parsed(traffic(columns)) == {
        "event_type": "TRAFFIC",
        "subtype": "end",
        "start_ts": at("2024-03-11T16:22:50"),
        "end_ts": at("2024-03-11T16:23:02"),  # 16:22:50 + 12 s, not the log time
        "log_ts": at("2024-03-11T16:23:30.071" if columns > 102 else "2024-03-11T16:23:30"),
        "duration_s": 12.0,
        "src_ip": "10.20.12.121",
        "src_port": 55331,
        "dst_ip": "34.230.55.224",
        "dst_port": 443,
        "protocol": "tcp",
        "bytes_sent": 367,
        "bytes_received": 197,
        "packets_sent": 2,
        "packets_received": 2,
        "action": "allow",
        "session_end_reason": None if release == "6.0" else "aged-out",
        "app": "ssl",
        "rule": "allow-untrust",
        "src_zone": "users",
        "dst_zone": "untrust",
        "src_user": None,
        "session_id": "2042976",
        "device_serial": "012501009999",
        "sequence_number": 7100000000002042975,
        "repeat_count": 1,
        "threat_id": None,
        "severity": None,
        "threat_category": None,
        "url": None,
        "url_category": "any",
        "app_category": "networking" if columns > 106 else None,
        "app_risk": 4 if columns > 108 else None,
        "dst_user": None,
        "src_country": "10.0.0.0-10.255.255.255",
        "dst_country": "United States",
        "nat_src_ip": "203.0.113.9",
        "nat_src_port": 40001,
        "nat_dst_ip": None,
        "nat_dst_port": None,
        "device_name": "fw-1" if columns > 52 else None,
        "virtual_system": "vsys1",
        "source_file": "f",
        "source_line": 1,
        "status": "kept",
    }


@pytest.mark.parametrize(("release", "columns"), THREAT_RELEASES.items())
def test_threat_of_every_release(release: str, columns: int) -> None:
    row = parsed(threat(columns))
    empty = ("start_ts", "duration_s", "bytes_sent", "bytes_received", "packets_sent", "packets_received")
    assert [row[name] for name in (*empty, "session_end_reason")] == [None] * 7
    assert row["end_ts"] == at("2024-03-11T16:23:30.250" if columns > 107 else "2024-03-11T16:23:30")
    assert row["event_type"] == "THREAT" and row["subtype"] == "vulnerability" and row["status"] == "kept"
    assert row["threat_id"] == "SMB: User Login(31696)" and row["severity"] == "high" and row["action"] == "reset-both"
    assert row["sequence_number"] == 7100000000000000123 and row["dst_port"] == 443
    assert (row["url"], row["url_category"], row["virtual_system"]) == ("example.com/a,b", "any", "vsys1")
    assert row["threat_category"] == ("brute-force" if columns > 69 else None)
    assert row["device_name"] == ("fw-1" if columns > 59 else None)
    assert (row["app_category"], row["app_risk"]) == (("networking", 4) if columns > 114 else (None, None))


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({9: "::"}, "nat_src_ip", None),
        ({9: ""}, "nat_src_ip", None),
        ({9: "nonsense"}, "nat_src_ip", None),
        ({9: "2001:DB8::7"}, "nat_src_ip", "2001:db8::7"),
        ({27: "443"}, "nat_dst_port", 443),
        ({27: "70000"}, "nat_dst_port", None),
        ({108: "6"}, "app_risk", None),
        ({13: r"acme\ben"}, "dst_user", r"acme\ben"),
    ],
)
def test_columns_that_may_say_nothing(changes: dict[int, str], name: str, value: object) -> None:
    assert parsed(traffic(changes=changes))[name] == value


def test_start_logs_do_not_count() -> None:
    row = parsed(traffic(changes={4: "start"}))
    assert row["status"] == "uncounted" and row["bytes_sent"] == 367
    assert parsed(traffic(changes={4: "drop"}))["status"] == "kept"
    assert parsed(traffic(changes={4: ""}))["subtype"] is None


def test_repeat_count_multiplies_nothing() -> None:
    row = parsed(traffic(changes={23: "6"}))
    assert (row["repeat_count"], row["bytes_sent"], row["packets_sent"]) == (6, 367, 2)
    assert parsed(traffic(changes={23: "0"}))["repeat_count"] == 1
    assert parsed(traffic(changes={23: ""}))["repeat_count"] == 1
