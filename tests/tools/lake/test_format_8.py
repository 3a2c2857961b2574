"""A lake of format 8, whose slices of pairs had no severity of threats, is migrated: theirs is not known."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.lake.lake_format import FILE, LAKE_FORMAT
from common.windows import Windows
from tests.conftest import Stages, write_sessions
from tests.factories import SPEC, session, sessions, threat
from tests.lakes import mark_lake
from tests.oracle.compare import assert_tables_equal
from tests.tools.lake.formats import SEVERITY, write_format_8
from tests.tools.lake.test_migration import migrate

OLD, NEW = (Windows.parse(f"2026-03-10T{start}:08Z") for start in (13, 14))


def run(stages: Stages, window: Windows) -> None:
    """Makes the slices of a session and of a critical threat in it."""
    rows = sessions(session(end_ts=window.start), threat(severity="critical", end_ts=window.start))
    stages.delta(str(window), write_sessions(rows, stages.folder.parent / f"{window.key}.parquet"))


@pytest.fixture
def lake(stages: Stages) -> Path:
    """Slices of a window as format 8 had them."""
    mark_lake(stages.folder, "acme", {})
    run(stages, OLD)
    return write_format_8(stages.folder)


def test_severities_of_rows_from_before_are_not_known(lake: Path, stages: Stages) -> None:
    before, digests = DeltaTable(lake / "delta_pair").to_pyarrow_table(), stages.lake.digests("delta_pair", "date")
    assert len(before) and SEVERITY not in before.column_names
    with pytest.raises(LakeFormatError, match="has format 8, but this release works with format 9"):
        Lake.opened(str(lake), SPEC)
    planned = migrate(lake, "--dry-run")["steps"]
    assert migrate(lake)["steps"] == planned
    assert [step["table"] for step in planned] == ["delta_pair"]
    assert json.loads((lake / FILE).read_text())["lake_format"] == LAKE_FORMAT
    found = stages.lake.arrow("delta_pair")
    assert found[SEVERITY].null_count == len(found)
    assert_tables_equal(found.drop_columns([SEVERITY]), before, Lake(str(lake), SPEC).table("delta_pair").key)
    assert stages.lake.digests("delta_pair", "date") == digests
    assert migrate(lake)["steps"] == []
    run(stages, NEW)
    known = stages.lake.arrow("delta_pair").filter(pc.field(SEVERITY) == 5)
    assert (len(known), set(known["window"].to_pylist())) == (len(before), {NEW.key})
