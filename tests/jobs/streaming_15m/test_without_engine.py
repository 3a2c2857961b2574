"""A window needs no engine and no pandas: nothing of it imports pyspark, and pyarrow finds no pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from common.lake.lake import Lake
from tests.conftest import write_sessions
from tests.factories import SPEC, session, sessions, threat
from tests.jobs.delta.deliveries import FIRST, record, rows_of, window

pytestmark = pytest.mark.slow

PROGRAM = """
import atexit, sys
for name in ("pyspark", "pysail", "delta"): sys.modules[name] = None
atexit.register(lambda: print("pandas" in sys.modules))
from {module}.cli import main
main()
"""


@pytest.mark.parametrize("module", ["jobs.delta", "jobs.streaming_15m"])
def test_windows_with_records_of_all_kinds_are_made_where_there_is_none(tmp_path: Path, module: str) -> None:
    """A window that is scanned, then one with duplicates, records that the first counts, and two devices."""
    first = rows_of(0, 3)
    other = record(20, FIRST.end, device_serial="fw-b")
    again = [*rows_of(1, 3, 10), *first, other, other, threat(end_ts=FIRST.end), session(subtype="start")]
    for at, rows in enumerate(([*first, record(5, FIRST.start)], again)):
        path = write_sessions(sessions(*rows), tmp_path / f"{at}.parquet")
        command = ["--window", str(window(at)), "--input", path, "--lake", str(tmp_path / "lake")]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(module=module), *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "False"
    assert Lake(str(tmp_path / "lake"), SPEC).arrow("sessions", ["window"]).num_rows == 4 + 3 + 1 + 1
