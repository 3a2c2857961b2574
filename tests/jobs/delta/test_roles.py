"""Rows of hosts, divided by host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from common.config.project import NetworkParameters, ProjectParameters
from jobs.delta.division import Divided, Division
from jobs.delta.roles import Roles, gathered
from jobs.delta.staging import SLICE
from tests.factories import SPEC, session, sessions, threat

BERLIN = ProjectParameters(networks={"berlin": NetworkParameters(zones=("office",))})


@dataclass(frozen=True)
class Rows:
    """A piece of sessions in memory, a table of at most two at a time."""

    table: pa.Table

    @property
    def most(self) -> int:
        return len(self.table)

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        for begin in range(0, max(1, len(self.table)), 2):
            yield self.table.slice(begin, 2).select(list(columns or self.table.column_names))


def piece(*rows: dict[str, object]) -> Rows:
    table = sessions(*rows)
    return Rows(table.append_column(SLICE.name, pa.array([0] * len(table), pa.int32())))


def found(*pieces: Rows, project: ProjectParameters | None = None) -> list[dict[str, object]]:
    """The rows of one part."""
    made = list(Roles(SPEC, project or ProjectParameters()).rows(pieces, 1))
    assert {number for number, _ in made} <= {0}
    return [row for _, rows in made for row in rows.to_pylist()]


def test_a_session_has_a_row_for_each_of_its_addresses_that_is_internal() -> None:
    rows = found(
        piece(
            session(src_ip="10.0.0.1", dst_ip="198.51.100.7"),
            session(src_ip="198.51.100.8", dst_ip="10.0.0.2"),
            session(src_ip="10.0.0.3", dst_ip="10.0.0.4"),
            session(src_ip="198.51.100.9", dst_ip="198.51.100.7"),
        )
    )
    assert sorted((row["is_inbound"], row["host_ip"], row["peer_ip"]) for row in rows) == [
        (0, "10.0.0.1", "198.51.100.7"),
        (0, "10.0.0.3", "10.0.0.4"),
        (1, "10.0.0.2", "198.51.100.8"),
        (1, "10.0.0.4", "10.0.0.3"),
    ]


def test_service_and_times_of_a_row() -> None:
    one, other, icmp = found(
        piece(
            session(dst_port=53, protocol="udp", start_ts="1970-01-01T00:00:01", end_ts="1970-01-01T00:00:03"),
            threat(start_ts=None, end_ts="1970-01-01T00:00:04", bytes_sent=None),
            session(dst_port=0, protocol="icmp", bytes_sent=7),
        )
    )
    # port * 4 + place of the protocol among tcp, udp, icmp, other; threats are no sessions: -1 less that
    assert [row["service"] for row in (one, other, icmp)] == [53 * 4 + 1, -1 - 443 * 4, 2]
    assert [(row["start_micros"], row["end_micros"]) for row in (one, other)] == [
        (1_000_000, 3_000_000),
        (0, 4_000_000),
    ]
    assert [row["bytes_src"] for row in (other, icmp)] == [None, 7.0]


def test_networks_name_hosts_before_they_are_divided() -> None:
    rows = found(piece(session(src_ip="10.0.0.1", src_zone="office"), session(src_ip="10.0.0.1")), project=BERLIN)
    assert [row["host_ip"] for row in rows] == ["10.0.0.1@berlin", "10.0.0.1"]


def test_no_sessions_and_no_internal_ones_have_no_rows() -> None:
    assert found() == found(piece()) == found(piece(session(src_ip="198.51.100.8"))) == []


@pytest.mark.parametrize("project", [ProjectParameters(), BERLIN], ids=["addresses", "networks"])
def test_all_rows_of_a_host_are_in_one_part(tmp_path: Path, project: ProjectParameters) -> None:
    """The rows of several works, read again."""
    hosts = [f"10.0.{number}.{copy}" for copy in range(5) for number in range(8)]
    pieces = [
        piece(*(session(src_ip=host, dst_ip=hosts[number - 1], src_zone=zone) for number, host in enumerate(hosts)))
        for zone in ("office", "lab")
    ]
    work = Division(Roles(SPEC, project), 3, str(tmp_path))
    streams = pa.concat_tables([work([one]) for one in pieces] + [work([])])
    parts = [
        pa.concat_tables(Divided(str(tmp_path), streams.filter(pc.equal(streams["part"], number))).rows())
        for number in range(3)
    ]
    part_of = defaultdict(set)
    for number, part in enumerate(parts):
        for host in part["host_ip"].to_pylist():
            part_of[host].add(number)
    assert all(len(numbers) == 1 for numbers in part_of.values())
    assert {number for numbers in part_of.values() for number in numbers} == {0, 1, 2}
    order = [(name, "ascending") for name in ("host_ip", "peer_ip", "is_inbound", "flags_0")]
    names = ["host_ip", "peer_ip", "is_inbound", "flags_0", "service", "bytes_src_sum"]
    undivided = pa.Table.from_pylist(found(*pieces, project=project))
    divided = pa.concat_tables([pa.Table.from_pylist(part.to_pylist()) for part in parts])
    assert divided.sort_by(order).select(names) == undivided.sort_by(order).select(names)
    assert len(divided) == 2 * 2 * len(hosts)


def test_small_tables_are_put_together() -> None:
    tables = [pa.table({"a": [number] * number}) for number in (1, 2, 3, 1)]
    assert [some["a"].to_pylist() for some in gathered(tables, 3)] == [[1, 2, 2], [3, 3, 3], [1]]
