"""Canonical Parquet files that are scanned in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.config.project import ProjectParameters
from common.lake.lake import Lake
from common.logs import LogFiles, ReadOptions
from common.runtime.context import StageRun
from common.runtime.engine import Engine
from common.runtime.run_report import RunReport
from common.windows import Windows
from jobs.delta.placement import Placement
from jobs.delta.scanning import scanned
from tests.conftest import write_sessions
from tests.factories import SPEC, session, sessions


@pytest.mark.parametrize(
    ("engine", "lake", "in_place"),
    [("sail", "s3://lake/acme", True), ("spark", "s3://lake/acme", False)],
    ids=["one machine", "workers that may share only the lake"],
)
def test_files_of_this_machine_are_scanned_in_place_by_who_can_read_them(
    tmp_path: Path, engine: str, lake: str, in_place: bool
) -> None:
    path = write_sessions(sessions(session(device_serial="a", sequence_number=1)), tmp_path / "a.parquet")
    stage = StageRun(SPEC, ProjectParameters(), Lake(lake, SPEC), Engine(engine), RunReport("ndr-delta"))
    placement = Placement(Windows.parse("2026-03-10T13:08Z"), (path,))
    found = scanned(stage, LogFiles((path,), ("parquet",), ()), ReadOptions(), placement)
    assert (found is not None) == in_place
