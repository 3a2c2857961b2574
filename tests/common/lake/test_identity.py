"""What a lake records of its settings, and which others it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.config.loader import build
from common.config.project import ProjectParameters
from common.errors import LakeMismatchError, ParameterError
from common.lake.identity import (
    SHAPED,
    LakeIdentity,
    differences,
    require_same,
    require_same_names,
    require_same_settings,
)

OPERATION = {
    "log_volume_minimum", "log_volume_drop", "max_rejected_ratio", "sessions_retention_days", "redshift", "publication",
    "staging_prefix", "batch_index_table", "ingestion_prefixes", "customer_ranges", "network_owners",
    "machine_inventory", "training", "retention", "alerts",
}  # fmt: skip
ACME = LakeIdentity("acme", "v1", {"settings": {"time_zone": "Asia/Tokyo"}})


def settings(**raw: object) -> ProjectParameters:
    return build(ProjectParameters, raw, "the test")


def test_every_setting_shapes_the_lake_or_is_about_operation() -> None:
    assert set(vars(ProjectParameters())) == set(SHAPED) | OPERATION
    assert not set(SHAPED) & OPERATION


def test_a_file_is_recorded_by_value_with_what_the_command_line_added(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text("time_zone: Asia/Tokyo\nlog_time_zone: UTC\nhorizons: {7d: {days: 2, gap_days: 0}}\n")
    found = LakeIdentity.of("acme", "v1", str(path), {"log_time_zone": "Europe/Berlin"})
    path.unlink()
    assert found.source is None
    assert found.settings("lake").time_zone == "Asia/Tokyo"
    assert found.settings("lake").log_time_zone == "Europe/Berlin"
    assert found.settings("lake").horizons["7d"].days == 2
    assert LakeIdentity.parsed(found.to_dict(), "lake") == found


def test_an_invalid_file_is_not_recorded(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text("time_zones: UTC\n")
    with pytest.raises(ParameterError, match="time_zones"):
        LakeIdentity.of("acme", "v1", str(tmp_path / "project.yaml"), {})


def test_a_table_is_recorded_as_the_source_that_the_settings_live_in() -> None:
    found = LakeIdentity.of("acme", "v1", "dynamodb://no-such-table", {"log_time_zone": "Europe/Berlin"})
    assert found == LakeIdentity("acme", "v1", {"source": "dynamodb://no-such-table"})


def test_equal_settings_are_equal_however_they_are_written() -> None:
    full = settings(working_hours=[7, 17], segments={}, allowed_lateness_minutes=15)
    assert differences(settings(), full) == {}
    require_same_settings("lake", settings(), full, "project.yaml")


@pytest.mark.parametrize(
    "raw",
    [
        {"training": {"promotion": "always"}}, {"publication": {"s3_prefix": "s3://out/ndr"}},
        {"max_rejected_ratio": 0.5}, {"batch_index_table": "index"}, {"staging_prefix": "s3://staging/ndr"},
        {"redshift": {"workgroup_name": "ndr", "database": "ndr", "iam_role_arn": "default"}},
    ],
)  # fmt: skip
def test_settings_of_operation_may_differ(raw: dict[str, object]) -> None:
    require_same_settings("lake", settings(), settings(**raw), "project.yaml")


def test_settings_that_would_give_other_rows_are_refused_with_both_values() -> None:
    given = settings(time_zone="Asia/Tokyo", working_hours=[8, 18], log_time_zone="Asia/Tokyo", model_horizon="30d")
    with pytest.raises(LakeMismatchError) as raised:
        require_same_settings("./lake", settings(), given, "project.yaml")
    assert str(raised.value) == (
        "the settings of project.yaml differ from those of the lake ./lake: log_time_zone is 'Asia/Tokyo', in the lake "
        "'UTC'; time_zone is 'Asia/Tokyo', in the lake 'UTC'; working_hours is (8, 18), in the lake (7, 17); and 1 "
        "more. Leave --parameters out, or change the lake's settings: ndr-lake configure --lake ./lake --parameters "
        "project.yaml"
    )


def test_another_project_or_specification_is_refused_with_both_names() -> None:
    require_same_names("lake", ACME, None, None)
    require_same_names("lake", ACME, "acme", "v1")
    with pytest.raises(LakeMismatchError) as raised:
        require_same_names("./lake", ACME, "local", None)
    assert str(raised.value) == (
        "the lake ./lake is of project 'acme', but --project-name is 'local'. Leave the option out, or give each "
        "project a lake of its own. To rename the project: ndr-lake configure --lake ./lake --project-name local"
    )
    with pytest.raises(LakeMismatchError, match="has feature specification 'v1', but --feature-spec-version is 'v2'"):
        require_same_names("./lake", ACME, None, "v2")


def test_a_run_may_hold_the_same_identity_in_another_form() -> None:
    require_same("lake", ACME, LakeIdentity("acme", "v1", {"settings": {"time_zone": "Asia/Tokyo", "segments": {}}}))
    with pytest.raises(LakeMismatchError, match="'acme', but --project-name is 'other'"):
        require_same("lake", ACME, LakeIdentity("other", "v1", ACME.parameters))
