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


@pytest.mark.slow
@pytest.mark.parametrize("value", [None, 0.5, {"a": 1}, True, [], ""], ids=str)
@pytest.mark.parametrize(("machine", "field"), [(machine, field) for machine in CHECKED for field in CHECKED[machine]])
def test_each_field_of_the_wrong_type_is_named(machine: str, field: str, value: Any) -> None:
    way = walked(machine, {**FULL[machine], field: value})
    assert (way.status, way.error, way.arguments) == ("FAILED", "Ndr.InvalidInput", {})
    assert field in way.cause


TIMES = [(machine, field) for machine, fields in CHECKED.items() for field in fields if field.endswith("ts_iso")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "time",
    [
        "tomorrow",
        "2026-03-10",
        "2026-03-10T13:08Z",
        "2026-03-10T13:08:00",
        "2026-13-10T13:08:00Z",
        "2026-04-31T13:08:00Z",
        "2026-03-10T24:00:00Z",
        "2026-03-10T13:60:00Z",
        "2026-03-10T13:08:00+24:00",
    ],
)
@pytest.mark.parametrize(("machine", "field"), TIMES)
def test_what_is_no_time_is_refused(machine: str, field: str, time: str) -> None:
    way = walked(machine, {**FULL[machine], field: time})
    assert (way.status, way.error, way.arguments) == ("FAILED", "Ndr.InvalidInput", {})
    assert field in way.cause


@pytest.mark.slow
@pytest.mark.parametrize("time", ["2026-03-01T00:08:00.5Z", "2026-03-01T01:08:00+01:00", "2026-03-01T01:08:00+0100"])
@pytest.mark.parametrize(("machine", "field"), [case for case in TIMES if not case[1].endswith("end_ts_iso")])
def test_a_time_may_have_fractions_and_another_zone(machine: str, field: str, time: str) -> None:
    assert walked(machine, {**FULL[machine], field: time}).status == "SUCCEEDED"


def test_a_range_has_a_beginning_before_its_end() -> None:
    for start in ("2026-03-10T13:53:00Z", "2026-03-10T14:08:00Z"):
        assert "not before end_ts_iso" in walked(BACKFILL, {**FULL[BACKFILL], "start_ts_iso": start}).cause


def test_a_training_has_both_times_or_none() -> None:
    for field in ("training_start_ts_iso", "training_end_ts_iso"):
        message = {name: value for name, value in FULL[TRAINING].items() if name != field}
        assert "only one of training_start_ts_iso and training_end_ts_iso" in walked(TRAINING, message).cause


@pytest.mark.parametrize("name", ["a/b", "../x", "a b", "x" * 81])
def test_a_request_whose_name_cannot_be_a_folder_is_refused(name: str) -> None:
    assert "request_id" in walked(BACKFILL, {**FULL[BACKFILL], "request_id": name}).cause
