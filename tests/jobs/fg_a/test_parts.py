"""The parts of a run: bounded in rows and hosts, and read in bounded pieces."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from common.contracts import tables
from common.lake.host_ranges import ALL_HOSTS, HostRange
from common.lake.lake import Lake
from common.windows import Windows
from jobs.fg_a import parts
from jobs.fg_a.parts import Plan
from tests.factories import SPEC, table_row
from tests.lakes import write_table

SLICES = Windows.parse("2026-03-10T12:08Z/2026-03-10T13:08Z")
NOW = Windows.parse("2026-03-10T12:53Z")
HOSTS = pa.array(["10.0.0.2", "10.0.0.1", "10.0.0.3"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Four slices with four rows each: two of host 1, and one of each other host; two days of history with one row."""
    spoken = ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3")
    slices = [table_row(tables(SPEC)["delta_pair"], window, host_ip=host) for window in SLICES for host in spoken]
    write_table(tmp_path, "delta_pair", slices)
    days = [
        table_row(tables(SPEC)["pair_days"], NOW, date=day, source_digest="x") for day in ("2026-03-08", "2026-03-09")
    ]
    write_table(tmp_path, "pair_days", days)
    return Lake(str(tmp_path), SPEC)


def test_a_small_run_is_one_part_that_is_read_at_once(lake: Lake) -> None:
    (part,) = Plan(lake).parts(NOW, SLICES, HOSTS, 100, 100, ["2026-03-07", "2026-03-08", "2026-03-09"])
    assert (part.windows, part.hosts, part.slices) == (NOW, ALL_HOSTS, (SLICES,))
    assert part.days == (("2026-03-08", "2026-03-09"),), "a day without a roll-up is not read"


def test_many_rows_are_divided_by_hosts_and_read_in_pieces(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROWS_AT_A_TIME", 4)
    found = Plan(lake).parts(NOW, SLICES, HOSTS, 8, 8, ["2026-03-09"])
    # weights 8 + 1, 4 + 1 and 4 + 1 make three parts; each has a third of a slice's 4 rows, so 3 slices make a piece
    assert [part.hosts for part in found] == [
        HostRange("", "10.0.0.2"),
        HostRange("10.0.0.2", "10.0.0.3"),
        HostRange("10.0.0.3"),
    ]
    assert {tuple(len(piece) for piece in part.slices) for part in found} == {(3, 1)}


def test_many_hosts_are_divided_even_if_they_have_few_rows(lake: Lake) -> None:
    found = Plan(lake).parts(NOW, SLICES, HOSTS, 1, 100)
    assert len(found) == 3
