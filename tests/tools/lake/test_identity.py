"""What a lake is can be shown, and changed on purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.lake.identity import SHAPED, LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import FILE, LAKE_FORMAT, create_record, read_record, replace_record
from tests.commands import call
from tests.factories import SPEC
from tests.tools.lake.formats import write_format_2
from tools.lake.cli import main
from tools.lake.identity import MADE_BY, MASK, MASKED, NAMED

ACME = LakeIdentity("acme", "v1", {"settings": {"time_zone": "Asia/Tokyo", "working_hours": [7, 17]}})
APART = {
    "machine_inventory", "window_status", "model_decisions", "model_drift", "triage", "handovers", "indicators",
    "allow_lists", "calendars", "privacy_log",
}  # fmt: skip
"""Tables that no setting shapes."""
TABLES = ("delta_host", "pair_counts", "fg_a", "fg_b/host", "fg_c", "predictions", "machine_inventory")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of project acme with empty tables, and a file of a model."""
    folder = tmp_path / "lake"
    create_record(str(folder), ACME)
    opened = Lake(str(folder), SPEC)
    for name in TABLES:
        opened.ensure(name)
    (folder / "models" / "acme" / "if-1").mkdir(parents=True)
    (folder / "models" / "acme" / "if-1" / "SUCCESS").write_text("")
    return folder


def shown(*arguments: str | Path) -> dict[str, Any]:
    code, output, error = call(main, *arguments)
    assert code == 0, error
    return dict(json.loads(output))


def configured(lake: Path, text: str, *options: str) -> dict[str, Any]:
    """What was printed when the lake got the settings of that text, from a file of its own."""
    path = lake.parent / f"project-{len(list(lake.parent.iterdir()))}.yaml"
    path.write_text(text)
    return shown("configure", "--lake", lake, "--parameters", path, *options)


def identity(lake: Path) -> LakeIdentity:
    record = read_record(str(lake))
    assert record is not None
    return record.require_known("lake")


def test_info_says_what_a_lake_is(lake: Path) -> None:
    assert shown("info", "--lake", lake) == {
        "lake": str(lake), "lake_format": LAKE_FORMAT, "project_name": "acme", "feature_spec_version": "v1",
        "parameters": {"settings": {"time_zone": "Asia/Tokyo"}}, "tables": len(TABLES),
    }  # fmt: skip


def test_info_names_the_source_and_does_not_need_it(lake: Path) -> None:
    replace_record(str(lake), replace(ACME, parameters={"source": "dynamodb://not-here"}))
    assert shown("info", "--lake", lake)["parameters"] == {"source": "dynamodb://not-here"}


@pytest.mark.parametrize(
    ("settings", "made"),
    [
        ("log_time_zone: UTC\ntime_zone: Asia/Tokyo", ()),
        ("time_zone: Asia/Tokyo\ntraining: {min_rows: 20}", ()),
        ("time_zone: Asia/Tokyo\nlog_time_zone: Asia/Tokyo", TABLES[:6]),
        ("time_zone: UTC", TABLES[2:6]),
        ("time_zone: Asia/Tokyo\nhorizons: {7d: {days: 2, gap_days: 0}}", TABLES[3:6]),
        ("time_zone: Asia/Tokyo\nmodel_horizon: 30d", TABLES[5:6]),
    ],
)
def test_configure_names_what_was_made_with_the_former_settings(
    lake: Path, settings: str, made: tuple[str, ...]
) -> None:
    expected = [*made, "models/acme"] if made else []
    assert configured(lake, settings)["made_with_the_former"] == expected


def test_configure_records_the_settings_and_says_what_changed(lake: Path) -> None:
    done = configured(lake, "time_zone: Europe/Berlin\ntraining: {min_rows: 20}\n")
    assert done["changed"] == {
        "time_zone": {"from": "Asia/Tokyo", "to": "Europe/Berlin"},
        "training": {"from": "default", "to": {"min_rows": 20}},
    }
    settings = {"time_zone": "Europe/Berlin", "training": {"min_rows": 20}}
    assert identity(lake) == replace(ACME, parameters={"settings": settings})
    assert configured(lake, json.dumps(settings))["changed"] == {}


def test_configure_renames_the_project_and_keeps_the_settings(lake: Path) -> None:
    done = shown("configure", "--lake", lake, "--project-name", "plant")
    assert done["changed"] == {"project_name": {"from": "acme", "to": "plant"}}
    assert done["made_with_the_former"] == ["predictions", "models/acme"]
    assert identity(lake) == replace(ACME, project_name="plant")


def test_configure_is_the_way_out_of_a_source_that_is_gone(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    replace_record(str(lake), replace(ACME, parameters={"source": "dynamodb://a table that cannot be"}))
    done = configured(lake, "time_zone: UTC\n")
    assert done["changed"]["source"] == {"from": "dynamodb://a table that cannot be", "to": None}
    assert done["changed"]["settings"]["from"].startswith("not known: ")
    assert done["made_with_the_former"] == [*TABLES[:6], "models/acme"]
    assert identity(lake).settings("lake").time_zone == "UTC"


def test_invalid_settings_change_nothing(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("time_zone: Nowhere\n")
    code, _, error = call(main, "configure", "--lake", lake, "--parameters", tmp_path / "wrong.yaml")
    assert (code, "Nowhere" in error) == (1, True)
    assert identity(lake) == ACME


def test_what_is_no_lake_of_this_format_is_an_error(lake: Path, tmp_path: Path) -> None:
    for command in (("info",), ("configure", "--project-name", "x")):
        code, _, error = call(main, *command, "--lake", tmp_path / "none")
        assert (code, f"none has no {FILE}" in error) == (1, True)
        code, _, error = call(main, *command, "--lake", write_format_2(lake))
        assert (code, "Run ndr-lake migrate" in error) == (1, True)
    code, _, error = call(main, "configure", "--lake", lake)
    assert (code, "Give --parameters or --project-name" in error) == (2, True)


def test_every_setting_and_every_table_of_a_stage_is_known() -> None:
    assert {*SHAPED.values(), NAMED} <= {*MADE_BY, MASK}
    held = {name for tables in MADE_BY.values() for name in tables}
    assert set(MASKED) <= held
    assert held == set(Lake("lake", SPEC).names) - APART
