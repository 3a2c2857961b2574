"""Ranges of hosts, and the reading of some."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from common.lake.host_ranges import ALL_HOSTS, HostRange, host_ranges
from common.lake.lake import Lake
from common.lake.table_files import MOST_ROWS, TableFiles
from common.lake.window_files import window_files
from common.windows import Windows
from tests.factories import SPEC, table_row

WINDOW = Windows.parse("2026-03-10T13:08Z")


@pytest.mark.parametrize(
    ("weights", "most", "firsts"),
    [
        ([1, 1, 1, 1], 2, ["", "c"]),
        ([1, 1, 1, 1], 4, [""]),
        ([9, 1, 1, 1], 4, ["", "b"]),  # one host cannot be divided
        ([0, 0, 0, 0], 4, [""]),
        ([1, 1, 1, 1], 1, ["", "b", "c", "d"]),
    ],
)
def test_ranges_have_every_host_once_and_bounded_weight(weights: list[int], most: int, firsts: list[str]) -> None:
    found = list(host_ranges(list("abcd"), np.array(weights), most))
    assert [one.first for one in found] == firsts
    assert [one.last for one in found] == [*firsts[1:], None]


def test_without_hosts_one_range_has_all() -> None:
    assert list(host_ranges([], np.zeros(0, np.int64), 10)) == [ALL_HOSTS]


def test_hosts_are_found_in_tables_whose_log_has_bounds_of_windows(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    table = lake.table("fg_a")
    rows = [table_row(table, WINDOW) | {"host_ip": f"10.0.0.{number}"} for number in range(1, 5)]
    files = TableFiles(lake.location("fg_a"), table)
    files.write(pa.Table.from_pylist(rows, schema=table.arrow), {"date": f"{WINDOW.start:%Y-%m-%d}"})
    lake.replace_files("fg_a", files.actions, WINDOW)
    for coded in ((), ("host_ip",)):
        found = lake.arrow("fg_a", ["host_ip"], WINDOW, coded=coded, hosts=HostRange("10.0.0.3"))
        assert found["host_ip"].cast(pa.string()).to_pylist() == ["10.0.0.3", "10.0.0.4"]


def test_only_the_rows_of_the_hosts_are_read(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    hosts = [f"10.0.{a}.{b}" for a, b in product(range(4), range(1, 251))]
    one = pa.Table.from_pylist([table_row(lake.table("delta_pair"), WINDOW)], schema=lake.table("delta_pair").arrow)
    rows = one.take(pa.array(np.zeros(2 * MOST_ROWS, np.int64)))
    shuffled = np.random.default_rng(7).permutation(2 * MOST_ROWS) % len(hosts)
    rows = rows.set_column(rows.column_names.index("host_ip"), "host_ip", pa.array(hosts).take(pa.array(shuffled)))
    with window_files(lake, "delta_pair", WINDOW) as files:
        files.add(rows)
        files.flush()
        lake.replace_files("delta_pair", files.actions, WINDOW)
    wanted = HostRange("10.0.1.", "10.0.2.")
    for coded in ((), ("host_ip", "peer_ip")):
        found = lake.arrow("delta_pair", ["host_ip", "peer_ip"], WINDOW, coded=coded, hosts=wanted)
        texts = found["host_ip"].cast(pa.string()).to_pylist()
        assert texts == sorted(texts)
        assert sorted(set(texts)) == sorted(host for host in hosts if host.startswith("10.0.1."))
        assert len(texts) == np.count_nonzero(np.isin(shuffled, range(250, 500)))
    assert lake.arrow("delta_pair", ["host_ip"], WINDOW, hosts=HostRange("10.0.9")).num_rows == 0
