"""The session of Sail lives as long as a job may take, whatever the pauses between its queries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.budgets import STEP_SECONDS
from common.runtime import engine


def test_a_session_outlives_the_longest_pause_of_a_job() -> None:
    assert float(engine.IDLE_SECONDS) > max(max(steps) for steps in STEP_SECONDS.values())


QUERIES = """
import time
from common.runtime import engine

engine.IDLE_SECONDS = "1"
with engine.open_engine("sail") as session:
    print(session.range(3).count())
    time.sleep(3)
    try:
        session.range(3).count()
    except Exception as error:
        print(error, flush=True)
"""


@pytest.mark.slow
def test_the_idle_time_is_the_one_that_the_engine_obeys(tmp_path: Path) -> None:
    """In a process of its own: Sail reads its settings once."""
    program = tmp_path / "queries.py"
    program.write_text(QUERIES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAIL_")}
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True)
    before, after = done.stdout.splitlines()
    assert (before, after.endswith("is not running")) == ("3", True)
