"""A lake of format 6, whose predictions had no note, is migrated."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.lake.lake_format import FILE, LAKE_FORMAT
from common.windows import Windows
from tests.factories import SPEC, table_row
from tests.lakes import mark_lake, write_table
from tests.oracle.compare import assert_tables_equal
from tests.tools.lake.formats import PREDICTED, write_format_6
from tests.tools.lake.test_migration import migrate

WINDOW = Windows.parse("2026-03-10T13:08Z")


def test_predictions_get_a_note_and_stay_as_they_are(tmp_path: Path) -> None:
    mark_lake(tmp_path, "acme", {})
    for name in PREDICTED:
        table = Lake(str(tmp_path), SPEC).table(name)
        write_table(tmp_path, name, [table_row(table, WINDOW, **{table.key[0]: "10.1.0.1"})])
    before = {name: Lake(str(tmp_path), SPEC).arrow(name) for name in PREDICTED}
    write_format_6(tmp_path)
    with pytest.raises(LakeFormatError, match="has format 6, but this release works with format 9"):
        Lake.opened(str(tmp_path), SPEC)
    done = migrate(tmp_path)
    assert [step["table"] for step in done["steps"]] == [*PREDICTED]
    assert json.loads((tmp_path / FILE).read_text())["lake_format"] == LAKE_FORMAT
    for name, rows in before.items():
        lake = Lake(str(tmp_path), SPEC)
        noted = rows.drop_columns(["score_note"]).append_column("score_note", pa.nulls(len(rows), pa.string()))
        assert_tables_equal(lake.arrow(name), noted.select(rows.column_names), lake.table(name).key)
    assert migrate(tmp_path)["steps"] == []
