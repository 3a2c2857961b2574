"""The JSON Schema: it takes what the models take, and refuses what they refuse by their types."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from cfnlint.jsonschema import StandardValidator

from common.config.loader import build
from common.config.project import ProjectParameters
from common.config.project_file import ProjectFile
from common.config.schema import at, schema_of, schema_text, wanted
from common.errors import ParameterError
from tests.common.config.test_project_file import NEEDED, examples

SCHEMA = schema_of(ProjectFile)
FULL = NEEDED | {
    "settings": {
        "segments": {"10.1.0.0/16": "servers"},
        "horizons": {"7d": {"days": 2, "gap_days": 0.5}},
        "working_hours": [8, 18],
        "redshift": {"database": "d", "iam_role_arn": "default", "workgroup_name": "w", "inventory_columns": {}},
        "training": {"endpoint": {"name": "n", "image": "i", "role_arn": "arn:aws:iam::123456789012:role/r"}},
        "publication": None,
    }
}


def mistakes(value: Any) -> list[str]:
    """What the JSON Schema has against the value, by an implementation of its own."""
    return [error.message for error in StandardValidator(SCHEMA).iter_errors(value)]


def test_the_schema_takes_what_the_models_take() -> None:
    for value in (NEEDED, FULL, *examples()):
        build(ProjectFile, value, "here")
        assert mistakes(value) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("organisations",), []), (("organisations",), ["acme"]), (("organisations",), "acme/hq"),
        (("project_name",), "a/b"), (("project_name",), 5), (("project",), "a"), (("settings",), None),
        (("settings", "time_zon"), "UTC"), (("settings", "time_zone"), "+02:00"), (("settings", "time_zone"), True),
        (("settings", "internal_cidrs"), "10.0.0.0/8"), (("settings", "internal_cidrs"), ["ten"]),
        (("settings", "segments", "ten"), "a"), (("settings", "segments", "10.2.0.0/16"), ""),
        (("settings", "working_hours"), [8]), (("settings", "working_hours"), [8, 17, 22]),
        (("settings", "working_hours"), [8, 25]), (("settings", "working_hours"), [8.5, 17]),
        (("settings", "weekend_days"), [0]), (("settings", "max_rejected_ratio"), 1.5),
        (("settings", "max_rejected_ratio"), "0.5"), (("settings", "allowed_lateness_minutes"), -1),
        (("settings", "horizons", "7d", "days"), 0), (("settings", "horizons", "7d", "day"), 1),
        (("settings", "horizons", "30d"), {"days": 1}), (("settings", "staging_prefix"), "/here"),
        (("settings", "batch_index_table"), "a b"), (("settings", "redshift", "schema"), "a; DROP"),
        (("settings", "redshift", "schema_name"), "a"), (("settings", "redshift", "inventory_columns", "ip"), "a"),
        (("settings", "redshift", "iam_role_arn"), "me"), (("settings", "redshift", "poll_seconds"), 0),
        (("settings", "training", "promotion"), "sometimes"), (("settings", "training", "validation_share"), 0.6),
        (("settings", "training", "tuning_blocks"), 1), (("settings", "training", "endpoint", "role_arn"), "r"),
        (("orchestration", "lake_uri"), "lake"), (("orchestration", "ingestion_prefix"), "s3://inbox"),
        (("orchestration", "backfill_parallelism"), 41), (("orchestration", "publication_target"), "kafka"),
        (("orchestration", "window_floor_minutes"), [0, 15, 30, 45]), (("orchestration", "poll_seconds"), True),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_the_models_refuse(path: tuple[str, ...], value: Any) -> None:
    wrong = copy.deepcopy(FULL)
    group: Any = wrong
    for name in path[:-1]:
        group = group[name]
    group[path[-1]] = value
    with pytest.raises(ParameterError):
        build(ProjectFile, wrong, "here")
    assert mistakes(wrong) != []


def test_every_setting_of_the_schema_has_its_meaning() -> None:
    groups = [SCHEMA, *SCHEMA["$defs"].values()]
    assert len(groups) == 12
    for group in groups:
        assert group["description"]
        assert [name for name, part in group["properties"].items() if not part.get("description")] == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("max_rejected_ratio",), "a number from 0 to 1"),
        (("working_hours",), "a list of 2"),
        (("working_hours", 1), "a whole number from 0 to 24"),
        (("horizons", "7d", "days"), "a number above 0"),
        (("training", "validation_share"), "a number above 0, at most 0.5"),
        (("training", "promotion"), "gated or always"),
        (("training", "endpoint"), "a mapping"),
        (("publication", "s3_prefix"), "a folder like s3://bucket/folder"),
    ],
)
def test_a_schema_says_in_words_what_it_takes(path: tuple[str | int, ...], words: str) -> None:
    schema = schema_of(ProjectParameters)
    assert wanted(at(schema, path)) == words


def test_the_text_of_a_schema_is_json() -> None:
    assert json.loads(schema_text(ProjectFile)) == SCHEMA
