"""What is too old is removed, and never what somebody still looks back on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from common.config.loader import build
from common.config.project import ProjectParameters
from common.errors import ParameterError
from common.features.spec import Horizon
from common.lake.lake import Lake
from common.windows import Windows
from jobs.maintain.retention import MODELS, kept_days, least_days, newest_day
from tests.factories import SPEC, pair_counts_row, table_row
from tests.jobs.maintain.lakes import NOW, maintain, small_files
from tests.lakes import write_table

SHORT = build(ProjectParameters, {"retention": {"training_reach_days": 1, "rejected_days": 2}}, "the test")


def dates(lake: Path, name: str, column: str = "date") -> list[str]:
    return sorted({entry[column] for entry in Lake(str(lake), SPEC).partitions(name)})


def rejects(lake: Path, *days: str) -> None:
    for day in days:
        row = table_row(Lake(str(lake), SPEC).table("sessions_rejected"), Windows.parse(f"{day}T13:08Z"))
        write_table(lake, "sessions_rejected", [row], mode="append")


def slices(lake: Path, *days: str) -> None:
    for day in days:
        small_files(lake, "delta_host", [Windows.parse(f"{day}T13:08Z")], files=1)


def test_days_count_back_from_the_newest_of_the_lake(tmp_path: Path) -> None:
    """Two days before the 10th are kept: from the 8th on."""
    slices(tmp_path, "2026-03-10")
    rejects(tmp_path, "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-10")
    found = maintain(tmp_path, settings=SHORT).details["tables"]["sessions_rejected"]["removed"]
    assert dates(tmp_path, "sessions_rejected") == ["2026-03-08", "2026-03-10"]
    assert (found["partitions"], found["files"], found["rows"], found["last"]) == (2, 2, 2, "2026-03-07")


def test_a_dry_run_removes_nothing(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10")
    rejects(tmp_path, "2026-03-06", "2026-03-10")
    dry = maintain(tmp_path, settings=SHORT, dry_run=True).details["tables"]
    assert dates(tmp_path, "sessions_rejected") == ["2026-03-06", "2026-03-10"]
    assert dry == maintain(tmp_path, settings=SHORT).details["tables"]


def test_a_lake_that_rests_loses_nothing(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10")
    rejects(tmp_path, "2026-03-10")
    maintain(tmp_path, now=datetime(2036, 3, 12, tzinfo=UTC))
    assert dates(tmp_path, "sessions_rejected") == ["2026-03-10"]


def test_a_day_that_is_not_there_yet_removes_nothing(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10", "2062-03-10")
    assert newest_day(Lake(str(tmp_path), SPEC), date(2026, 3, 12)) == date(2026, 3, 12)


def test_an_option_goes_before_the_setting(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10")
    rejects(tmp_path, "2026-03-06", "2026-03-10")
    maintain(tmp_path, settings=SHORT, keep={"sessions_rejected": 4})
    assert dates(tmp_path, "sessions_rejected") == ["2026-03-06", "2026-03-10"]


def test_tables_that_are_not_named_are_left_alone(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10")
    rejects(tmp_path, "2026-03-06", "2026-03-10")
    assert list(maintain(tmp_path, settings=SHORT, tables=("delta_host",)).details["tables"]) == ["delta_host"]
    assert dates(tmp_path, "sessions_rejected") == ["2026-03-06", "2026-03-10"]


def test_the_newest_inventory_stays(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10")
    table = Lake(str(tmp_path), SPEC).table("machine_inventory")
    for month in ("2021-02", "2021-03"):
        row = table_row(table, Windows.parse("2021-03-10T13:08Z"), snapshot_month=month)
        write_table(tmp_path, "machine_inventory", [row], mode="append")
    maintain(tmp_path)
    assert dates(tmp_path, "machine_inventory", "snapshot_month") == ["2021-03"]


def test_the_newest_baselines_of_each_horizon_stay(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10")
    table = Lake(str(tmp_path), SPEC).table("fg_b/publications")
    for horizon, month in (("7d", "2021-02"), ("7d", "2026-02"), ("30d", "2021-02"), ("30d", "2021-03")):
        own = {"baseline_horizon": horizon, "baseline_month": month, "feature_spec_version": "v1"}
        row = table_row(table, Windows.parse("2021-03-10T13:08Z"), **own)
        write_table(tmp_path, "fg_b/publications", [row], mode="append")
    maintain(tmp_path)
    left = Lake(str(tmp_path), SPEC).partitions("fg_b/publications")
    assert [(entry["baseline_horizon"], entry["baseline_month"]) for entry in left] == [
        ("30d", "2021-03"),
        ("7d", "2026-02"),
    ]


@pytest.mark.parametrize(
    ("settings", "keep", "problem"),
    [
        ({"slices_days": 100}, {}, "retention.slices_days is 100, but training needs 154 days of delta_host"),
        ({"features_days": 30, "training_reach_days": 1}, {}, "retention.features_days is 30, but ndr-fg-b needs 68"),
        ({"slices_days": 28, "training_reach_days": 1}, {}, "is 28, but ndr-delta needs 29 days of log_volume"),
        ({}, {"pair_days": 153}, "--keep pair_days is 153, but training needs 154 days of pair_days"),
        ({"training_reach_days": 1}, {"pair_days": 30}, "--keep pair_days is 30, but ndr-fg-a needs 31"),
        ({"baselines_days": 61}, {}, "retention.baselines_days is 61, but ndr-fg-c needs 62"),
        ({}, {"fg_x": 400}, "--keep fg_x names nothing that is kept for some days (did you mean fg_c or fg_a?)"),
    ],
)
def test_less_than_others_look_back_on_is_refused(
    tmp_path: Path, settings: dict[str, int], keep: dict[str, int], problem: str
) -> None:
    slices(tmp_path, "2021-03-10", "2026-03-10")
    project = build(ProjectParameters, {"retention": settings}, "the test")
    with pytest.raises(ParameterError) as raised:
        maintain(tmp_path, settings=project, keep=keep)
    assert problem in str(raised.value)
    assert dates(tmp_path, "delta_host") == ["2021-03-10", "2026-03-10"]


def test_longer_horizons_need_more_features() -> None:
    project = ProjectParameters(horizons={"90d": Horizon(days=90, gap_days=44.5)})
    assert least_days(project, SPEC)["fg_a"].days == 135 + 31


def test_every_table_but_the_decisions_is_kept_for_some_days() -> None:
    for_good = {"model_decisions", "triage", "indicators", "allow_lists", "calendars"}
    assert kept_days(ProjectParameters(), SPEC, {}).keys() ^ {MODELS} ^ for_good == set(Lake("x", SPEC).names)


def test_the_roll_up_outlives_its_slices_by_the_look_back(tmp_path: Path) -> None:
    kept = kept_days(ProjectParameters(), SPEC, {})
    assert (kept["delta_pair"].days, kept["pair_days"].days) == (400, 430)


def test_pairs_of_days_without_slices_are_still_read(tmp_path: Path) -> None:
    slices(tmp_path, "2026-03-10")
    write_table(tmp_path, "pair_counts", [pair_counts_row("2024-03-10T13:08Z"), pair_counts_row("2026-03-10T13:08Z")])
    maintain(tmp_path)
    assert dates(tmp_path, "pair_counts") == ["2026-03-10"]
    assert maintain(tmp_path, now=NOW).details["tables"] == {}
