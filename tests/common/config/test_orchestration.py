"""Orchestration parameters, and the items of the project tables."""

from __future__ import annotations

import json
from math import ceil
from typing import Any

import pytest

from common.config.dynamodb import project_item, routing_item
from common.config.loader import build
from common.config.orchestration import OrchestrationParameters
from common.config.project import ProjectParameters
from common.errors import ParameterError
from common.features.spec import Horizon
from tests.common.config.items import project_of_item

NEEDED: dict[str, Any] = {"lake_uri": "s3://lake/ndr", "ingestion_prefix": "s3://inbox/acme/hq/"}
SETTINGS = {
    "time_zone": "Europe/Berlin",
    "working_hours": [8, 18],
    "horizons": {"7d": {"days": 2, "gap_days": 0.5}},
    "redshift": {"workgroup_name": "ndr", "database": "dev", "iam_role_arn": "default"},
}


def test_polls_last_as_long_as_the_steps_may() -> None:
    found = OrchestrationParameters(**NEEDED)
    # four steps of 1,200 s and their starts of 600 s are 7,200 s, in polls of 30 s
    assert (found.features_poll_attempts, found.join_poll_attempts) == (240, 60)
    # six steps of 6 h, one of 24 h, and seven starts, are 220,200 s
    assert OrchestrationParameters(**NEEDED, poll_seconds=7).training_poll_attempts == ceil(220_200 / 7)
    assert OrchestrationParameters(**NEEDED, join_poll_attempts=3).join_poll_attempts == 3


def test_leases_outlast_the_polls_until_they_are_renewed() -> None:
    found = OrchestrationParameters(**NEEDED)
    # the longest polls under the lock are those of the features, 7,200 s; a quarter and 600 s on top
    assert found.lock_lease_seconds == 7200 * 1.25 + 600
    assert found.publication_lock_lease_seconds == 1800 * 1.25 + 600
    longer = OrchestrationParameters(**NEEDED, backfill_poll_attempts=1000)
    assert longer.lock_lease_seconds == 1000 * 30 * 1.25 + 600


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"poll_seconds": 0}, "poll_seconds is 0"),
        ({"join_poll_attempts": -1}, "join_poll_attempts is -1"),
        ({"training_days": -1}, "training_days is -1"),
        (
            {"lock_lease_seconds": 7199},
            "lock_lease_seconds is 7199, but the polls under this lock take 7200 s. Give at least 7200",
        ),
        ({"publication_target": "kafka"}, 'publication_target is "kafka". Give lake or s3 or redshift'),
        ({"backfill_parallelism": 41}, "backfill_parallelism is 41. Give a whole number from 1 to 40"),
        (
            {"window_floor_minutes": [0, 15, 30, 45]},
            r"\[0, 15, 30, 45\]: windows start on other minutes. Give the minutes of the grid, \[8, 23, 38, 53\]",
        ),
        ({"lake_uri": "lake"}, 'lake_uri is "lake". Give an s3:// or file:// URI or an absolute path'),
        ({"ingestion_prefix": "s3://inbox/acme"}, "ingestion_prefix is"),
        ({"lock_lease_seconds": 100, "poll_seconds": "x"}, "poll_seconds is"),
        ({"ingestion_prefix": "/data/in"}, 'ingestion_prefix is "/data/in". Give a folder like s3://bucket/org1/org2'),
        ({"polls": 3}, "polls is unknown"),
        ({"poll_seconds": "30"}, 'poll_seconds is "30"..*whole number'),
        ({"poll_seconds": True}, "poll_seconds is true"),
    ],
)
def test_wrong_orchestration_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        build(OrchestrationParameters, NEEDED | given, "here")


def test_orchestration_without_a_lake_is_refused() -> None:
    with pytest.raises(ParameterError, match="lake_uri is missing"):
        build(OrchestrationParameters, {"ingestion_prefix": "s3://inbox/acme/hq"}, "here")


def test_an_item_holds_the_settings_as_given_and_all_of_the_orchestration() -> None:
    item = project_item("acme", "v1", SETTINGS, NEEDED)
    assert (item["project_name"], item["parameters"]) == ({"S": "acme"}, {"S": "project_parameters#v1"})
    assert json.loads(item["settings"]["S"]) == SETTINGS
    held = json.loads(item["orchestration"]["S"])
    assert held["poll_seconds"] == 30
    assert held["lock_lease_seconds"] == 9600
    assert held["ingestion_prefix"] == "s3://inbox/acme/hq"
    project, orchestration = project_of_item(item)
    assert orchestration == OrchestrationParameters(**NEEDED)
    assert project.horizons == {"7d": Horizon(2.0, 0.5)}
    assert project.redshift is not None and project.redshift.workgroup_name == "ndr"


def test_wrong_settings_are_not_put_into_an_item() -> None:
    with pytest.raises(ParameterError, match="time_zon"):
        project_item("acme", "v1", {"time_zon": "UTC"}, NEEDED)
    with pytest.raises(ParameterError, match="contains # or /"):
        project_item("ac#me", "v1", {}, NEEDED)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({}, "no text attribute settings"),
        ({"settings": {"S": "{"}}, "settings is not valid JSON"),
        ({"settings": {"S": "[]"}}, r"attribute settings: \$ is \[\]"),
    ],
)
def test_a_damaged_item_is_named(item: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        project_of_item({"project_name": {"S": "acme"}, "parameters": {"S": "project_parameters#v1"}, **item})


def test_the_prefix_of_a_routing_item_ends_in_its_organisation() -> None:
    item = routing_item("acme", "hq", "acme-hq", "v1", "s3://inbox/acme/hq/")
    assert item["org_key"] == {"S": "acme#hq"}
    assert item["ingestion_prefix"] == {"S": "s3://inbox/acme/hq"}
    with pytest.raises(ParameterError, match="does not end in /acme/hq"):
        routing_item("acme", "hq", "acme-hq", "v1", "s3://inbox/acme/branch")


def test_an_empty_item_is_the_default_project() -> None:
    project, _ = project_of_item(project_item("acme", "v1", {}, NEEDED))
    assert project == ProjectParameters()
