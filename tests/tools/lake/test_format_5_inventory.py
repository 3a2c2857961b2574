"""Lakes of format 5: an inventory of names gets what orders cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.windows import Windows
from tests.commands import call
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.tools.lake.formats import write_format_5
from tools.lake.cli import main

MACHINES = {"10.1.0.1": "dc-1", "10.1.0.2": "desk-2"}


def test_the_inventory_gets_owner_role_and_criticality(tmp_path: Path) -> None:
    table = Lake(str(tmp_path), SPEC).table("machine_inventory")
    given = {"is_active": True, "snapshot_month": "2026-03"}
    window = Windows.parse("2026-03-10T13:08Z")
    rows = [table_row(table, window, host_ip=host, machine_name=name, **given) for host, name in MACHINES.items()]
    write_table(tmp_path, "machine_inventory", rows)
    write_format_5(tmp_path)
    with pytest.raises(LakeFormatError, match="has format 5"):
        Lake.opened(str(tmp_path), SPEC)
    code, output, error = call(main, "migrate", "--lake", tmp_path)
    assert code == 0, error
    (step,) = json.loads(output)["steps"]
    assert step["table"] == "machine_inventory" and "owner, role, criticality" in step["change"]
    lake = Lake.opened(str(tmp_path), SPEC)
    found = lake.arrow("machine_inventory").to_pylist()
    nothing = dict.fromkeys(("owner", "role", "criticality"))
    assert [{row["host_ip"]: row["machine_name"]} | {name: row[name] for name in nothing} for row in found] == [
        {host: name} | nothing for host, name in MACHINES.items()
    ]
    stored = {field.name: field.metadata for field in lake.delta("machine_inventory").schema().fields}
    assert stored == {column.name: {"comment": column.comment} for column in table.columns}
    write_table(tmp_path, "machine_inventory", rows, mode="append")  # what is written now fits
    assert json.loads(call(main, "migrate", "--lake", tmp_path)[1])["steps"] == []
