"""No column with a name of a person is forgotten."""

from __future__ import annotations

import re

from common.contracts import tables
from common.privacy.places import ACCOUNTS, MASKED, NAMES, PLACES, SEALED, TEXT
from tests.factories import SPEC

LIKELY = re.compile(r"user|name|owner|_by$|note|raw|reason|url|mail|contact|person|words")
NO_PERSON = {
    "sessions": {"device_name", "session_end_reason", "url_category"},
    "log_volume": {"device_name"},
    "predictions": {"incomplete_reason", "score_note"},
    "prediction_join": {"incomplete_reason", "project_name", "score_note"},
    "window_status": {"incomplete_reason"},
    "model_decisions": {"project_name"},
    "model_drift": {"project_name"},
}
"""Columns whose names are of devices and projects, or whose reasons are words of this project."""


def test_every_column_that_may_name_a_person_is_declared() -> None:
    for name, table in tables(SPEC).items():
        likely = {column.name for column in table.columns if column.type == "string" and LIKELY.search(column.name)}
        assert likely - NO_PERSON.get(name, set()) == likely & {*PLACES.get(name, {})}, name


def test_places_are_columns_of_tables() -> None:
    for name, kinds in PLACES.items():
        assert {*kinds} <= {*tables(SPEC)[name].column_names}
        assert {*kinds.values()} <= {*MASKED, *NAMES, TEXT, SEALED}
    assert {*ACCOUNTS} <= {*PLACES}
