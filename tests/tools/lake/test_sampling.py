"""Samples of tables: newest first, in the order of the key, and reading only what they need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from common.lake.lake import Lake
from tests.commands import call
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.tools.lake.open_lake import FIRST, HOSTS, SECOND, THIRD, write_lake
from tools.lake.cli import main

SORTED = sorted(HOSTS)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(tmp_path_factory.mktemp("sampling") / "lake")


def sampled(lake: Lake, name: str, *options: str) -> list[dict[str, Any]]:
    code, output, error = call(main, "sample", name, "--lake", lake.uri, "--format", "ndjson", *options)
    assert code == 0, error
    return [json.loads(line) for line in output.splitlines()]


def refused(lake: Lake, name: str, *options: str) -> str:
    code, output, error = call(main, "sample", name, "--lake", lake.uri, *options)
    assert (code, output) == (1, "")
    return error


@pytest.mark.slow
@pytest.mark.parametrize("name", ["delta_pair", "fg_a"])  # a file for each window, and for each date
def test_rows_come_newest_first_and_then_by_key(lake: Lake, name: str) -> None:
    rows = sampled(lake, name, "--rows", "5", "--columns", "window,host_ip")
    expected = [(THIRD.key, host) for host in SORTED] + [(SECOND.key, host) for host in SORTED[:2]]
    assert [tuple(row.values()) for row in rows] == expected
    assert rows == sampled(lake, name, "--rows", "5", "--columns", "window,host_ip")
    of_first = [("--window", text) for text in ("2026-03-10T23:38Z", "2026-03-10T23:38Z/2026-03-10T23:53Z")]
    for option in of_first:
        found = sampled(lake, name, *option, "--columns", "host_ip")
        assert found == [{"host_ip": host} for host in SORTED]


def test_all_columns_are_those_that_the_table_declares(lake: Lake) -> None:
    (row,) = sampled(lake, "fg_a", "--rows", "1")
    assert tuple(row) == lake.table("fg_a").column_names
    assert (row["window_start_ts"], row["is_weekend"]) == ("2026-03-11T00:08:00Z", 0)


def test_a_table_shows_the_first_columns_and_says_that_there_are_more(lake: Lake) -> None:
    code, output, error = call(main, "sample", "fg_a", "--lake", lake.uri, "--format", "table", "--rows", "1")
    assert (code, len(output.splitlines()[0].split("|")) - 2) == (0, 12)
    assert error.startswith(f"{len(lake.table('fg_a').columns) - 12:,} more columns")


def test_conditions_are_of_the_type_of_their_column(lake: Lake) -> None:
    by_number = sampled(lake, "delta_pair", "--where", "sessions_cnt=2", "--where", "host_ip=10.0.0.2")
    assert [(row["window"], row["host_ip"]) for row in by_number] == [(SECOND.key, "10.0.0.2")]
    by_time = sampled(lake, "delta_pair", "--where", "window_start_ts=2026-03-10T23:38Z", "--columns", "window")
    assert [row["window"] for row in by_time] == [FIRST.key] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--columns", "host_ip,peer_pi"), "has no column 'peer_pi' (did you mean peer_ip"),
        (("--where", "hostip=10.0.0.1"), "has no column 'hostip' (did you mean host_ip"),
        (("--where", "host_ip"), "--where 'host_ip' is not a condition. Use the form COLUMN=VALUE"),
        (("--where", "peer_port=http"), "'http' is no int"),
        (("--where", "first_ts=yesterday"), "'yesterday' is no timestamp"),
        (("--where", "host_ip=10.9.9.9"), "has no rows with host_ip=10.9.9.9 in the last 96 of its windows"),
        (
            ("--window", "2026-03-12T00:08Z"),
            "has no rows in 2026-03-12T00:08Z. Its windows are from 2026-03-10T23:38Z to 2026-03-11T00:08Z",
        ),
    ],
)
def test_what_cannot_be_sampled_says_why(lake: Lake, options: tuple[str, ...], message: str) -> None:
    assert message in refused(lake, "delta_pair", *options)


@pytest.mark.slow
def test_tables_without_windows_are_sampled_by_month(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake")
    table = lake.table("fg_b/ip_metadata")
    months = [{"baseline_month": month, "host_ip": "10.0.0.1"} for month in ("2026-02", "2026-03")]
    write_table(tmp_path / "lake", table.name, [table_row(table, FIRST, **month) for month in months])
    assert [row["baseline_month"] for row in sampled(lake, table.name)] == ["2026-03", "2026-02"]
    assert "has no windows" in refused(lake, table.name, "--window", "2026-03-10T23:38Z")


@pytest.mark.slow
def test_files_and_columns_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake")
    for path in (tmp_path / "lake" / "delta_pair").glob("date=2026-03-10/*.parquet"):
        path.write_bytes(b"")
    assert len(sampled(lake, "delta_pair", "--rows", "3")) == 3
    assert len(sampled(lake, "delta_pair", "--window", "2026-03-11T00:08Z")) == 3
    assert "cannot be read" in refused(lake, "delta_pair", "--rows", "4")


@pytest.mark.slow
def test_an_empty_table_and_a_lake_of_another_release_say_so(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake")
    lake.ensure("sessions_rejected")
    assert "has no rows. The stages that ran had none to write" in refused(lake, "sessions_rejected")
    (tmp_path / "lake" / "_lake.json").write_text('{"lake_format": 99}')
    assert "has format 99" in refused(lake, "delta_pair")


def test_the_sessions_of_a_host_are_those_from_and_to_it(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    ends = [("10.1.0.1", "10.1.0.2"), ("10.1.0.2", "10.1.0.3"), ("10.1.0.3", "10.1.0.4")]
    rows = [
        table_row(lake.table("sessions"), FIRST, src_ip=source, dst_ip=target, source_line=line)
        for line, (source, target) in enumerate(ends, start=1)
    ]
    write_table(tmp_path, "sessions", rows)
    options = ("--host", "10.1.0.2", "--columns", "source_line")
    assert sampled(lake, "sessions", *options, "--window", str(FIRST)) == [{"source_line": 1}, {"source_line": 2}]
    assert sampled(lake, "sessions", *options, "--where", "dst_ip=10.1.0.3") == [{"source_line": 2}]
    assert "has no rows with address 10.1.0.9 in the last" in refused(lake, "sessions", "--host", "10.1.0.9")


def test_a_table_without_hosts_has_none_to_ask_for(lake: Lake) -> None:
    error = refused(lake, "window_status", "--host", "10.1.0.2")
    assert "table window_status has no column of hosts. Leave out --host, or use --where" in error
