"""Files of slices that parts make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.delta import slices
from tests.conftest import Stages, write_sessions
from tests.factories import WINDOW, session, sessions


def test_no_file_is_left_of_a_part_before_one_that_fails(
    stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def second_fails(_: Any, work: Any, parts: Any) -> Iterator[Any]:
        yield work(parts[0])
        written.extend(of_slices())
        raise ZeroDivisionError

    def of_slices() -> list[Path]:
        return [file for table in slices.TABLES for file in (stages.folder / table).rglob("*.parquet")]

    monkeypatch.setattr(slices, "each_part", second_fails)
    with pytest.raises(ZeroDivisionError):
        stages.delta(str(WINDOW), write_sessions(sessions(session()), tmp_path / "in.parquet"))
    assert (len(written), of_slices()) == (2, [])
