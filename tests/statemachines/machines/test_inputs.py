"""Inputs of the other machines: what is missing or of the wrong type is named, before anything is done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.statemachines.machines.cases import walked
from tests.statemachines.machines.samples import (
    BACKFILL,
    MESSAGES,
    MONTHLY,
    PUBLICATION,
    TRAINING,
)

NEEDED = {
    PUBLICATION: ("project_name", "mini_batch_id", "batch_start_ts_iso", "batch_end_ts_iso"),
    MONTHLY: ("project_name",),
    TRAINING: ("project_name",),
    BACKFILL: ("project_name", "start_ts_iso", "end_ts_iso"),
}
FULL = {
    PUBLICATION: MESSAGES[PUBLICATION],
    MONTHLY: {**MESSAGES[MONTHLY], "month": "2026-03", "reference_ts_iso": "2026-03-01T00:08:00Z"},
    TRAINING: {
        **MESSAGES[TRAINING], "training_start_ts_iso": "2025-11-01T00:08:00Z",
        "training_end_ts_iso": "2026-02-01T00:08:00Z", "reference_ts_iso": "2026-03-01T00:08:00Z",
        "missing_windows": ["20260310T1308Z"],
    },
    BACKFILL: {**MESSAGES[BACKFILL], "windows": ["20260310T1308Z"], "parallelism": 7},
}  # fmt: skip
"""Messages with everything that they may have."""


@pytest.mark.parametrize(("machine", "field"), [(machine, field) for machine in NEEDED for field in NEEDED[machine]])
def test_each_missing_field_is_named(machine: str, field: str) -> None:
    way = walked(machine, {name: value for name, value in FULL[machine].items() if name != field})
    assert (way.status, way.error, way.arguments) == ("FAILED", "Ndr.InvalidInput", {})
    assert f"has no {field}" in way.cause


CHECKED = {
    PUBLICATION: ("project_name", "batch_start_ts_iso", "batch_end_ts_iso"),
    MONTHLY: ("project_name", "month", "reference_ts_iso"),
    TRAINING: ("project_name", "training_start_ts_iso", "training_end_ts_iso", "reference_ts_iso", "missing_windows"),
    BACKFILL: ("project_name", "start_ts_iso", "end_ts_iso", "windows", "parallelism"),
}


@pytest.mark.parametrize("value", [None, 0.5, {"a": 1}, True, [], ""], ids=str)
@pytest.mark.parametrize(("machine", "field"), [(machine, field) for machine in CHECKED for field in CHECKED[machine]])
def test_each_field_of_the_wrong_type_is_named(machine: str, field: str, value: Any) -> None:
    way = walked(machine, {**FULL[machine], field: value})
    assert (way.status, way.error, way.arguments) == ("FAILED", "Ndr.InvalidInput", {})
    assert field in way.cause
