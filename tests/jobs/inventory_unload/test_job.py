"""The inventory from the local Redshift by way of S3 into the lake."""

from __future__ import annotations

import io
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from common.aws.redshift import literal, run_statements
from common.config.redshift import RedshiftParameters
from common.errors import CommitError
from common.lake.lake import Lake
from common.storage.files import Folder
from jobs.inventory_unload.cli import main
from localaws.cli.process import LocalAws
from tests.commands import command_line, run
from tests.conftest import ENGINE
from tests.factories import SPEC
from tests.types import Run

BUCKET = "inventory-staging"
KILL_AFTER_SECONDS = (1.5, 2.5, 3.5, 4.5, 6.0, 8.0)
COLUMNS = "host_ip VARCHAR(64), machine_name VARCHAR(255), is_active BOOLEAN, seen_in VARCHAR(7)"
MACHINES = [
    ("10.0.0.1", "desk-1", True, "2026-03"),
    ("10.0.0.2", "o'brien's", True, "2026-03"),
    ("2001:DB8::1", "vdi-3", True, "2026-02"),
    ("10.0.0.4", "gone-4", False, "2026-03"),
]


@pytest.fixture
def source(redshift: RedshiftParameters, aws_environment: LocalAws) -> RedshiftParameters:
    """A Redshift with an inventory, and a bucket to exchange files."""
    aws_environment.client("s3").create_bucket(Bucket=BUCKET)
    run_statements(redshift, [f"CREATE TABLE {redshift.schema_name}.machine_inventory ({COLUMNS})"])
    fill(redshift, MACHINES)
    return redshift


def fill(redshift: RedshiftParameters, machines: Sequence[tuple[str | None, str | None, bool, str]]) -> None:
    table = f"{redshift.schema_name}.machine_inventory"
    rows = [f"({text(host)}, {text(name)}, {active}, {text(month)})" for host, name, active, month in machines]
    inserted = [f"INSERT INTO {table} VALUES {', '.join(rows)}"] if rows else []
    run_statements(redshift, [f"DELETE FROM {table}", *inserted])


def text(value: str | None) -> str:
    return "NULL" if value is None else literal(value)


def unload(redshift: RedshiftParameters, folder: Path, month: str = "2026-03", **settings: Any) -> Run:
    """The exit code, the report and the errors of a run."""
    names = ("database", "iam_role_arn", "workgroup_name")
    group = {name: getattr(redshift, name) for name in names} | {"schema": redshift.schema_name} | settings
    parameters = folder / "project.yaml"
    parameters.write_text(
        yaml.safe_dump({"staging_prefix": f"s3://{BUCKET}/{redshift.schema_name}", "redshift": group})
    )
    options = ("--month", month, "--lake", folder / "lake", "--parameters", parameters, "--engine", ENGINE)
    return run(main, *options, "--project-name", "acme")


def inventory(folder: Path) -> dict[tuple[str, str], str]:
    """Machine names by month and host."""
    rows = Lake(str(folder / "lake"), SPEC).arrow("machine_inventory").to_pylist()
    assert all(row["is_active"] for row in rows)
    return {(row["snapshot_month"], row["host_ip"]): row["machine_name"] for row in rows}


def snapshots(redshift: RedshiftParameters, month: str = "2026-03") -> Folder:
    return Folder(f"s3://{BUCKET}/{redshift.schema_name}/acme/machine_inventory_snapshots/month={month}")


def test_machines_in_use_become_the_snapshot_of_the_month(source: RedshiftParameters, tmp_path: Path) -> None:
    code, report, error = unload(source, tmp_path)
    assert code == 0, error
    assert inventory(tmp_path) == {
        ("2026-03", "10.0.0.1"): "desk-1",
        ("2026-03", "10.0.0.2"): "o'brien's",
        ("2026-03", "2001:db8::1"): "vdi-3",
    }
    assert (report["rows_in"], report["rows_out"], report["rows_rejected"]) == (3, 3, 0)
    folder = snapshots(source)
    pointer = json.loads(folder.read("current.json"))
    assert report["details"]["snapshot"] == f"{folder.uri}/run={pointer['run']}"
    assert pointer["records"] == 3
    assert folder.read(f"run={pointer['run']}/_SUCCESS").decode() == f"{pointer['manifest_sha256']}\n"
    rows = pq.read_table(io.BytesIO(folder.read(f"run={pointer['run']}/0000_part_00.parquet")))
    assert sorted(rows["machine_name"].to_pylist()) == ["desk-1", "o'brien's", "vdi-3"]


@pytest.mark.slow
def test_a_second_run_replaces_the_month_only(source: RedshiftParameters, tmp_path: Path) -> None:
    unload(source, tmp_path, "2026-02")
    unload(source, tmp_path, "2026-03")
    fill(source, [("10.0.0.9", "fresh-9", True, "2026-03")])
    assert unload(source, tmp_path, "2026-03")[0] == 0
    found = inventory(tmp_path)
    assert {host for month, host in found if month == "2026-03"} == {"10.0.0.9"}
    assert {host for month, host in found if month == "2026-02"} == {"10.0.0.1", "10.0.0.2", "2001:db8::1"}


def test_columns_and_month_can_have_other_names(source: RedshiftParameters, tmp_path: Path) -> None:
    view = f"CREATE VIEW {source.schema_name}.assets AS SELECT host_ip AS address, machine_name, is_active, seen_in"
    run_statements(source, [f"{view} FROM {source.schema_name}.machine_inventory"])
    settings = {
        "inventory_query_table": "assets",
        "inventory_columns": {"host_ip": "address"},
        "inventory_month_column": "seen_in",
    }
    assert unload(source, tmp_path, "2026-02", **settings)[0] == 0
    assert inventory(tmp_path) == {("2026-02", "2001:db8::1"): "vdi-3"}


@pytest.mark.parametrize(
    ("machines", "words"),
    [
        ([], "no machine in use"),
        ([*MACHINES, ("10.0.0.1", "twin", True, "2026-03")], "several machines in use at 10.0.0.1"),
        ([*MACHINES, (None, "x", True, "2026-03")], "1 of 4 machines have no name or no valid address"),
    ],
)
def test_a_bad_inventory_leaves_the_snapshot_before(
    source: RedshiftParameters, tmp_path: Path, machines: Any, words: str
) -> None:
    unload(source, tmp_path)
    before, pointer = inventory(tmp_path), snapshots(source).read("current.json")
    fill(source, machines)
    code, _, error = unload(source, tmp_path)
    assert code == 1
    assert words in error
    assert inventory(tmp_path) == before
    assert snapshots(source).read("current.json") == pointer


def test_a_run_that_dies_before_the_commit_leaves_the_snapshot_before(
    source: RedshiftParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unload(source, tmp_path)
    before, pointer = inventory(tmp_path), snapshots(source).read("current.json")
    fill(source, [("10.0.0.9", "fresh-9", True, "2026-03")])

    def no_commit(*_: Any) -> None:
        raise CommitError("the disk is gone", "Run again")

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "replace", no_commit)
        assert unload(source, tmp_path)[0] == 1
    assert inventory(tmp_path) == before
    assert snapshots(source).read("current.json") == pointer
    assert unload(source, tmp_path)[0] == 0
    assert inventory(tmp_path) == {("2026-03", "10.0.0.9"): "fresh-9"}


@pytest.mark.long
@pytest.mark.slow
def test_a_killed_run_shows_one_snapshot_or_the_other(source: RedshiftParameters, tmp_path: Path) -> None:
    unload(source, tmp_path)
    before = inventory(tmp_path)
    fill(source, [("10.0.0.9", "fresh-9", True, "2026-03")])
    after = {("2026-03", "10.0.0.9"): "fresh-9"}
    options = ("--month", "2026-03", "--lake", tmp_path / "lake", "--parameters", tmp_path / "project.yaml")
    for seconds in KILL_AFTER_SECONDS:
        running = subprocess.Popen(
            command_line("ndr-inventory-unload", *options, "--engine", ENGINE, "--project-name", "acme"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        running.kill()
        running.wait()
        assert inventory(tmp_path) in (before, after)
    assert unload(source, tmp_path)[0] == 0
    assert inventory(tmp_path) == after
    assert json.loads(snapshots(source).read("current.json"))["records"] == 1


def test_the_error_of_redshift_is_reported(redshift: RedshiftParameters, tmp_path: Path) -> None:
    code, _, error = unload(redshift, tmp_path)
    assert code == 1
    assert "error: UNLOAD (" in error and "failed in Redshift (ndr, database ndr)" in error
    assert "machine_inventory" in error.partition("failed in Redshift")[2]
    assert not (tmp_path / "lake" / "machine_inventory").exists()
