"""An empty archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.c360_clean.days import Zones


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    return Zones(tmp_path)
