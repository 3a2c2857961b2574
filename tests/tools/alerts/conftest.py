"""A lake with cases to hand over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.common.detection.alerts.alerting_lake import PAIR, within, write_alerts


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """A case with a target, and a beacon."""
    write_alerts(tmp_path, [(0, 3, within(5, 445)), (1, 5, within(3, 445, inbound=True)), (2, 6, PAIR)])
    return str(tmp_path)
