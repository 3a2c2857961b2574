"""The statement that unloads the inventory, and the checks of what it made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from pyarrow import csv

from common.config.loader import build
from common.config.redshift import RedshiftParameters
from common.errors import InputError, ParameterError
from common.lake.lake import Lake
from common.storage.files import Folder
from jobs.inventory_unload.cli import main
from jobs.inventory_unload.config import InventoryConfig
from jobs.inventory_unload.snapshot import read_snapshot
from jobs.inventory_unload.statement import unload_statement
from tests.factories import SPEC, utc

REDSHIFT = RedshiftParameters(database="dev", iam_role_arn="default", workgroup_name="ndr")
SCHEMA = pa.schema({"host_ip": pa.string(), "machine_name": pa.string(), "is_active": pa.bool_()})
MACHINES = [("10.0.0.1", "desk-1"), ("10.0.0.2", "desk-2"), ("2001:DB8:0::1", "vdi-3")]


def unload(folder: Path, *files: Sequence[tuple[str | None, str | None]], **meta: int) -> Folder:
    """A folder as UNLOAD leaves it: a file per list of machines, and a verbose manifest."""
    folder.mkdir(exist_ok=True)
    entries: list[dict[str, Any]] = []
    for number, machines in enumerate(files):
        path = folder / f"{number:04d}_part_00.parquet"
        rows = [{"host_ip": host, "machine_name": name, "is_active": True} for host, name in machines]
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
        counted = {"content_length": path.stat().st_size, "record_count": len(machines)}
        entries.append({"url": str(path), "meta": counted})
    total = {"record_count": sum(entry["meta"]["record_count"] for entry in entries)} | meta
    (folder / "manifest").write_text(json.dumps({"entries": entries, "meta": total}))
    return Folder(str(folder))


def change(folder: Folder, **meta: int) -> None:
    """Changes what the manifest says of the first file."""
    manifest = json.loads(folder.read("manifest"))
    manifest["entries"][0]["meta"] |= meta
    folder.write("manifest", json.dumps(manifest).encode())


def test_the_statement_selects_machines_in_use() -> None:
    query = (
        'SELECT CAST("host_ip" AS VARCHAR(64)) AS "host_ip", CAST("machine_name" AS VARCHAR(1024)) AS "machine_name", '
        'CAST("is_active" AS BOOLEAN) AS "is_active" FROM "public"."machine_inventory" WHERE "is_active"'
    )
    assert unload_statement(REDSHIFT, "2026-03", "s3://bucket/run=1") == (
        f"UNLOAD ('{query}') TO 's3://bucket/run=1/' IAM_ROLE default FORMAT AS PARQUET MANIFEST VERBOSE"
    )


def test_the_statement_takes_names_and_month_from_the_settings() -> None:
    redshift = RedshiftParameters(
        database="dev",
        iam_role_arn="arn:aws:iam::123456789012:role/exchange",
        workgroup_name="ndr",
        schema="cmdb",
        inventory_query_table="assets",
        inventory_columns={"host_ip": "address", "is_active": "in_use", "role": "purpose"},
        inventory_month_column="month",
    )
    statement = unload_statement(redshift, "2026-03", "s3://bucket/it's")
    assert 'CAST("address" AS VARCHAR(64)) AS "host_ip"' in statement
    assert 'CAST("purpose" AS VARCHAR(1024)) AS "role"' in statement and "criticality" not in statement
    assert """FROM "cmdb"."assets" WHERE "in_use" AND "month" = ''2026-03''')""" in statement
    assert "TO 's3://bucket/it''s/' IAM_ROLE 'arn:aws:iam::123456789012:role/exchange'" in statement


@pytest.mark.parametrize("name", ["schema", "inventory_query_table", "inventory_month_column", "publication_table"])
def test_names_that_could_inject_sql_are_refused(name: str) -> None:
    given: dict[str, Any] = {name: 'x"; DROP TABLE y; --'}
    login = {"database": "dev", "iam_role_arn": "default", "workgroup_name": "ndr"}
    with pytest.raises(ParameterError, match=name):
        build(RedshiftParameters, login | given, "here")


def test_a_snapshot_holds_the_rows_of_all_files(tmp_path: Path) -> None:
    snapshot = read_snapshot(unload(tmp_path, MACHINES[:1], MACHINES[1:]), "2026-03")
    assert snapshot.rejected == []
    shared = {"is_active": True, "snapshot_month": "2026-03", "owner": None, "role": None, "criticality": None}
    assert snapshot.rows == [
        {"host_ip": "10.0.0.1", "machine_name": "desk-1"} | shared,
        {"host_ip": "10.0.0.2", "machine_name": "desk-2"} | shared,
        {"host_ip": "2001:db8::1", "machine_name": "vdi-3"} | shared,
    ]


def test_machines_without_name_or_address_are_rejected(tmp_path: Path) -> None:
    wrong = [("10.0.0", "a"), (None, "b"), ("10.0.0.4", None), ("10.0.0.5", "")]
    snapshot = read_snapshot(unload(tmp_path, [*MACHINES, *wrong]), "2026-03")
    assert len(snapshot.rows) == 3
    assert snapshot.rejected[0] == "host_ip '10.0.0', machine_name 'a'"
    assert len(snapshot.rejected) == 4


def test_an_address_of_several_machines_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"several machines in use at 2001:db8::1\. Correct"):
        read_snapshot(unload(tmp_path, [*MACHINES, ("2001:db8::1", "again")]), "2026-03")


def test_no_machine_is_an_error(tmp_path: Path) -> None:
    for folder in (Folder(str(tmp_path / "none")), unload(tmp_path / "zero"), unload(tmp_path / "empty", [])):
        with pytest.raises(InputError, match="no machine in use"):
            read_snapshot(folder, "2026-03")


def test_files_that_do_not_match_the_manifest_are_an_error(tmp_path: Path) -> None:
    missing = unload(tmp_path / "missing", MACHINES)
    missing.delete("0000_part_00.parquet")
    cut = unload(tmp_path / "cut", MACHINES)
    change(cut, content_length=7)
    fewer = unload(tmp_path / "fewer", MACHINES, record_count=4)
    change(fewer, record_count=4)
    others = unload(tmp_path / "others", MACHINES, record_count=4)
    broken = unload(tmp_path / "broken", MACHINES)
    broken.write("0000_part_00.parquet", b"x")
    change(broken, content_length=1)
    brief = unload(tmp_path / "brief", MACHINES)
    brief.write("manifest", b'{"entries": [{"url": "s3://b/k"}]}')
    for folder, words in (
        (missing, "0000_part_00.parquet is missing"),
        (cut, "manifest says 7 bytes"),
        (fewer, "has 3 rows, but its manifest says 4"),
        (others, "has a total of 4 records, but its files add up to another number"),
        (broken, "is not a Parquet file"),
        (brief, "not a verbose UNLOAD manifest"),
    ):
        with pytest.raises(InputError, match=words):
            read_snapshot(folder, "2026-03")


@pytest.mark.parametrize(
    ("month", "start", "end"),
    [("2026-03", "2026-03-01T00:08", "2026-04-01T00:08"), ("2026-12", "2026-12-01T00:08", "2027-01-01T00:08")],
)
def test_a_month_is_a_range_of_windows(month: str, start: str, end: str) -> None:
    names = ("lake_uri", "engine", "mini_batch_id", "lake_project")
    config = InventoryConfig.from_options(month, **dict.fromkeys(names, ""))
    assert (config.windows.start, config.windows.end) == (utc(start), utc(end))


def take(folder: Path, settings: str) -> Result:
    path = folder / f"project-{len(list(folder.glob('project-*')))}.yaml"  # a process reads each only once
    path.write_text(settings)
    lake = ("--lake", str(folder / "lake"), "--parameters", str(path))
    return CliRunner().invoke(main, ["--month", "2026-03", *lake])


def test_a_redshift_without_a_staging_location_is_an_error(tmp_path: Path) -> None:
    done = take(tmp_path, "redshift: {workgroup_name: ndr, database: dev, iam_role_arn: default}")
    assert done.exit_code == 1
    assert "project local has no staging_prefix" in done.stderr


def test_a_project_without_an_inventory_is_told_how_to_have_one(tmp_path: Path) -> None:
    done = take(tmp_path, "{}")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert "machine names are null: name a file with machine_inventory" in report["details"]["machine_inventory"]
    assert (report["rows_in"], report["tables"]) == (0, {})


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_machines_of_a_file_become_the_snapshot_of_the_month(tmp_path: Path, form: str) -> None:
    columns = {
        "owner": ["ops", "ops", "ops", "ops", None],
        "host_ip": ["10.0.0.1", "2001:DB8::1", "10.0.0.4", "nowhere", "10.0.0.5@lab"],
        "machine_name": ["desk-1", "vdi-3", "gone-4", "x", "lab-5"],
        "is_active": ["true", None, "No", "yes", "1"],
        "criticality": ["Critical", "tier 1", None, None, ""],
        "role": ["domain controller", " ", None, None, None],
    }
    path = tmp_path / f"machines.{form}"
    table = pa.table(columns)
    csv.write_csv(table, path) if form == "csv" else pq.write_table(table, path)
    done = take(tmp_path, f"{{machine_inventory: {path}, max_rejected_ratio: 0.3}}")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["rows_in"], report["rows_out"], report["rows_rejected"]) == (4, 3, 1)
    assert report["details"] == {
        "snapshot": str(path),
        "rejected": ["host_ip 'nowhere', machine_name 'x'"],
        "criticality": "'tier 1': none of critical, high, medium, low, so null",
    }
    rows = Lake(str(tmp_path / "lake"), SPEC).arrow("machine_inventory").to_pylist()
    assert {(row["snapshot_month"], row["host_ip"], row["machine_name"], row["is_active"]) for row in rows} == {
        ("2026-03", "10.0.0.1", "desk-1", True),
        ("2026-03", "2001:db8::1", "vdi-3", True),
        ("2026-03", "10.0.0.5@lab", "lab-5", True),
    }
    assert {(row["machine_name"], row["owner"], row["role"], row["criticality"]) for row in rows} == {
        ("desk-1", "ops", "domain controller", "critical"),
        ("vdi-3", "ops", None, None),
        ("lab-5", None, None, None),
    }
    assert take(tmp_path, f"{{machine_inventory: {path}, max_rejected_ratio: 0.2}}").exit_code == 1  # a quarter is more


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("host_ip,name\n10.0.0.1,desk-1\n", "lacks machine_name. It needs the columns host_ip, machine_name"),
        ("host_ip,machine_name\n", "has no machine in use"),
        ("host_ip,machine_name\n10.0.0.1,a\n10.0.0.1,b\n", "several machines in use at 10.0.0.1"),
        (None, "machines.csv"),
    ],
)
def test_a_file_that_is_no_inventory_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "machines.csv").write_text(content)
    done = take(tmp_path, f"{{machine_inventory: {tmp_path}/machines.csv}}")
    assert done.exit_code == 1
    assert words in done.stderr


@pytest.mark.parametrize("month", ["2026-13", "March", "2026-3", "2026-03-01", "auto"])
def test_a_wrong_month_is_a_usage_error(tmp_path: Path, month: str) -> None:
    done = CliRunner().invoke(main, ["--month", month, "--lake", str(tmp_path)])
    assert done.exit_code == 2
    assert month in done.stderr
