"""The session of Sail lives as long as a job may take, whatever the pauses between its queries."""

import time

import pytest
from pyspark.errors import PySparkException

from common.budgets import STEP_SECONDS
from common.runtime import engine


def test_a_session_outlives_the_longest_pause_of_a_job() -> None:
    assert float(engine.IDLE_SECONDS) > max(max(steps) for steps in STEP_SECONDS.values())


def test_the_idle_time_is_the_one_that_the_engine_obeys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "IDLE_SECONDS", "1")
    with engine.open_engine("sail") as session:
        assert session.range(3).count() == 3
        time.sleep(3)
        with pytest.raises(PySparkException, match="is not running"):
            session.range(3).count()
