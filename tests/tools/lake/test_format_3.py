"""A lake of format 3, which had no single sessions, is migrated and gets them with its next run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from common.config.project import load_project
from common.errors import LakeFormatError
from common.windows import Windows
from tests.commands import call
from tests.conftest import Stages, write_sessions
from tests.factories import session as session_row
from tests.factories import sessions
from tests.lakes import mark_lake
from tests.tools.lake.formats import write_format_3
from tests.tools.lake.test_migration import identity, migrate
from tools.lake.cli import main


def test_a_lake_of_format_3_keeps_its_record_and_gets_sessions_with_the_next_run(
    session: SparkSession, tmp_path: Path
) -> None:
    stages = Stages(session, tmp_path / "lake")
    mark_lake(stages.folder, "acme", {"time_zone": "Asia/Tokyo"})
    windows = [Windows.parse(f"2026-03-10T{start}Z") for start in ("13:08", "13:23")]
    inputs = [
        write_sessions(sessions(session_row(end_ts=one.start)), tmp_path / f"{one.key}.parquet") for one in windows
    ]
    given = load_project(None, time_zone="Asia/Tokyo")
    stages = replace(stages, project=given)
    stages.delta(str(windows[0]), inputs[0])
    write_format_3(stages.folder)
    recorded = identity(stages.folder)
    with pytest.raises(LakeFormatError, match="has format 3, but this release works with format 9"):
        stages.delta(str(windows[1]), inputs[1])
    code, _, error = call(main, "migrate", "--lake", stages.folder, "--project-name", "other")
    assert (code, "is of project 'acme', but --project-name is 'other'" in error) == (1, True)
    done = migrate(stages.folder)
    assert (done["from_format"], done["to_format"], done["chosen"]) == (3, 9, "recorded")
    assert "delta_host" in [step["table"] for step in done["steps"]]
    assert identity(stages.folder) == recorded
    assert stages.lake.arrow("delta_host")["window"].to_pylist() == [windows[0].key]
    assert not any(map(stages.lake.exists, ("sessions", "open_sessions")))
    stages.delta(str(windows[1]), inputs[1])
    assert stages.lake.arrow("sessions")["window"].to_pylist() == [windows[1].key]
    assert stages.lake.exists("open_sessions") and not stages.lake.count("open_sessions")
    assert stages.lake.count("delta_host") == 2
