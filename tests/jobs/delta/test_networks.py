"""Hosts with one address in several networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.addresses import Segments, are_internal
from common.config.project import NetworkParameters, ProjectParameters
from common.detection.pairs import contacts
from common.errors import ParameterError
from tests.conftest import Stages, write_sessions
from tests.factories import session, sessions

WINDOW = "2026-03-10T13:08Z"
NETWORKS = {
    "berlin": NetworkParameters(devices=("fw-b",)),
    "guests": NetworkParameters(devices=("fw-p",), zones=("guest",)),
    "paris": NetworkParameters(devices=("fw-p",), virtual_systems=("vsys1",)),
}
ROWS = (
    session(src_ip="10.1.4.20", device_serial="fw-b", src_user="ann"),
    session(src_ip="10.1.4.20", device_serial="fw-p", virtual_system="vsys1", dst_ip="10.9.9.9"),
    session(src_ip="10.1.4.20", device_serial="fw-p", virtual_system="vsys1", src_zone="guest"),
    session(src_ip="10.1.4.20", device_serial="fw-p", virtual_system="vsys2"),
    session(src_ip="203.0.113.50", dst_ip="10.1.4.20", device_serial="fw-b"),
)


def test_a_host_is_an_address_in_a_network(stages: Stages, tmp_path: Path) -> None:
    stages.project = ProjectParameters(networks=NETWORKS, segments={"10.9.0.0/16": "servers"})
    stages.delta(WINDOW, write_sessions(sessions(*ROWS), tmp_path / "in.parquet"))
    hosts = stages.lake.arrow("delta_host", ["host_ip", "role", "segment_id", "sessions_cnt"]).to_pylist()
    assert {(row["host_ip"], row["role"]): (row["segment_id"], row["sessions_cnt"]) for row in hosts} == {
        ("10.1.4.20@berlin", "outbound"): ("10.1.4.0/24@berlin", 1),
        ("10.1.4.20@berlin", "inbound"): ("10.1.4.0/24@berlin", 1),
        ("10.1.4.20@paris", "outbound"): ("10.1.4.0/24@paris", 1),
        ("10.9.9.9@paris", "inbound"): ("servers", 1),
        ("10.1.4.20@guests", "outbound"): ("10.1.4.0/24@guests", 1),
        ("10.1.4.20", "outbound"): ("10.1.4.0/24", 1),
    }
    pairs = stages.lake.arrow("delta_pair", ["host_ip", "peer_ip"]).to_pylist()
    assert {"host_ip": "10.1.4.20@paris", "peer_ip": "10.9.9.9@paris"} in pairs
    assert {"host_ip": "10.1.4.20@berlin", "peer_ip": "203.0.113.50"} in pairs
    kept = stages.lake.arrow("sessions", ["src_ip"])["src_ip"].to_pylist()
    assert set(kept) == {"10.1.4.20", "203.0.113.50"}  # as they were logged


@pytest.mark.slow
@pytest.mark.parametrize(
    ("second", "count"),
    [
        ({}, 1),
        ({"end_ts": "2026-03-10T13:21:00"}, 0),
        ({"device_serial": "fw-b"}, 0),
        ({"device_serial": None}, 0),
        ({"src_ip": "203.0.113.9"}, 0),
        ({"dst_port": 80, "src_port": 51_000, "start_ts": "2026-03-10T13:14:49", "end_ts": "2026-03-10T13:15:00"}, 0),
    ],
    ids=["at once", "later", "one device", "no device", "external", "both log both"],
)
def test_an_address_on_two_devices_at_once_is_told(
    stages: Stages, tmp_path: Path, second: dict[str, Any], count: int
) -> None:
    first = {"src_ip": "10.1.4.20", "device_serial": "fw-b"}
    other = {"src_ip": "10.1.4.20", "device_serial": "fw-p", "dst_ip": "198.51.100.99"} | second
    rows = [session(**first), session(**other)]
    if second.get("dst_port"):  # a cluster, of which each member logs all
        rows += [session(**first | {"device_serial": "fw-p"}), session(**other | {"device_serial": "fw-b"})]
    report = stages.delta(WINDOW, write_sessions(sessions(*rows), tmp_path / "in.parquet"))
    told = report.details.get("addresses_on_several_devices", {"count": 0, "examples": []})
    assert told == {"count": count, "examples": ["10.1.4.20"] * count}


def test_addresses_with_a_network_are_internal_and_have_a_segment() -> None:
    hosts = ["10.1.4.20@b", "10.1.4.21@b", "10.1.4.20", "192.0.2.7@b", "fd00::1@b"]
    for cidrs, expected in (
        (("10.0.0.0/8",), {"10.1.4.20@b", "10.1.4.21@b", "10.1.4.20"}),
        (("10.1.4.20/32",), {"10.1.4.20@b", "10.1.4.20"}),
        (("fd00::/8",), {"fd00::1@b"}),
        (("fd00::/64",), {"fd00::1@b"}),
    ):
        inside = are_internal(pa.array(hosts), cidrs)
        assert {host for host, chosen in zip(hosts, inside, strict=True) if chosen} == expected
    assert contacts.networks(pa.array(hosts[:1] + hosts[-1:]), 64).to_pylist() == ["10.1.4", "fd00::/64"]
    segments = Segments({"10.1.4.21/32": "printer"})
    assert [segments.name(host) for host in hosts] == [
        "10.1.4.0/24@b", "printer", "10.1.4.0/24", "192.0.2.0/24@b", "fd00::/64@b",
    ]  # fmt: skip


def test_a_name_that_no_address_could_carry_is_refused() -> None:
    with pytest.raises(ParameterError, match="a@b"):
        ProjectParameters().changed("options", {"networks": {"a@b": {"devices": ["x"]}}})
