"""A large file that is parsed in parts, by threads or workers, gives the tables of one that is parsed as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.logs.packing import PIECE_BYTES
from jobs.delta import parsing
from tests.common.logs.panos_logs import traffic
from tests.conftest import Stages
from tests.lakes import assert_same_table

WINDOW = "2024-03-11T16:23Z"
TABLES = ("sessions", "sessions_rejected", "session_keys", "delta_host", "delta_pair", "log_volume")
SEQUENCE, SOURCE = 39, 7


def log(folder: Path) -> Path:
    """More than three pieces of lines, of which every thousandth cannot be read."""
    path = folder / "traffic.csv"
    with path.open("w") as out:
        for number in range(2 * PIECE_BYTES // 300):
            address = "nowhere" if number % 1000 == 999 else f"10.0.{number % 7}.{number % 200}"
            out.write(traffic(115, {SEQUENCE: str(number), SOURCE: address}) + "\n")
    assert path.stat().st_size > 3 * PIECE_BYTES
    return path


@pytest.mark.parity
def test_parts_give_the_tables_of_the_whole(stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log(tmp_path)
    whole = Stages(stages.session, tmp_path / "whole")
    whole.delta(WINDOW, str(path))
    monkeypatch.setattr(parsing, "BYTES_PER_PART", PIECE_BYTES)
    stages.delta(WINDOW, str(path))
    assert [len(lake.files("sessions")) for lake in (whole.lake, stages.lake)] == [1, 4]
    for table in TABLES:
        assert whole.lake.count(table), table
        assert_same_table(stages.folder, whole.folder, table)
