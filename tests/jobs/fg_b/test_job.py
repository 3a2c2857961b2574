from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from common.config.project import ProjectParameters
from common.errors import CommitError, InputError
from common.features.spec import Horizon
from common.lake.publications import publications
from common.windows import Windows
from jobs.fg_b.cli import main
from jobs.fg_b.config import BaselineConfig
from jobs.fg_b.job import run
from tests.common.calendar.calendars import put_calendar
from tests.common.lake.killing import killed_at
from tests.conftest import Stages
from tests.factories import SPEC
from tests.jobs.fg_b.synthetic import fg_a_row, pair_row, random_fg_a, random_pairs
from tests.lakes import published_key, published_rows, write_table

REFERENCE = datetime(2026, 3, 5, 0, 8, tzinfo=UTC)
LATER = REFERENCE + timedelta(minutes=15)
TWO_DAYS = ProjectParameters(horizons={"2d": Horizon(2, 1)})  # 2 March 00:08 to 4 March 00:08
FIRST, LAST = datetime(2026, 3, 2, 10, 8, tzinfo=UTC), datetime(2026, 3, 3, 10, 8, tzinfo=UTC)
TABLES = ("fg_b/host", "fg_b/segment", "fg_b/ip_metadata", "fg_b/pair/host", "fg_b/pair/segment")


def config(stages: Stages, **overrides: Any) -> BaselineConfig:
    common = stages.config("2026-03-02T00:08Z/2026-03-04T00:08Z")
    return replace(BaselineConfig(**common, baseline_month="2026-03", reference=REFERENCE), **overrides)


def publish(stages: Stages, **overrides: Any) -> Any:
    stages.project = TWO_DAYS
    return stages.run(run, config(stages, **overrides))


def rows(stages: Stages, table: str) -> list[dict[str, Any]]:
    held = published_rows(stages.lake, table)
    found: list[dict[str, Any]] = held.sort_by([(name, "ascending") for name in published_key(table)]).to_pylist()
    return found


@pytest.mark.slow
def test_only_windows_of_the_horizon_count(stages: Stages) -> None:
    inside = datetime(2026, 3, 2, 0, 8, tzinfo=UTC)
    moments = [inside - timedelta(minutes=15), inside, LAST, datetime(2026, 3, 4, 0, 8, tzinfo=UTC)]
    write_table(stages.folder, "fg_a", [fg_a_row(moment) for moment in moments])
    write_table(stages.folder, "pair_counts", [pair_row(moment) for moment in moments])
    publish(stages)
    host = [row for row in rows(stages, "fg_b/host") if (row["role"], row["window_label"]) == ("inbound", "w_8h")]
    assert {row["time_band"]: row["sessions_cnt_support_count"] for row in host} == {
        "off_hours": 1, "working_hours": 1,
    }  # fmt: skip
    assert rows(stages, "fg_b/pair/host")[0]["pair_seen_count"] == 2
    (publication,) = rows(stages, "fg_b/publications")
    assert (publication["history_start_ts"], publication["history_end_ts"]) == (inside, LAST + timedelta(minutes=15))
    assert (publication["rows_host"], publication["rows_segment"], publication["rows_ip_metadata"]) == (20, 20, 1)
    assert publication["reference_ts"] == REFERENCE


@pytest.mark.slow
def test_what_lies_in_the_calendar_is_in_no_baseline(stages: Stages) -> None:
    times = [FIRST, FIRST + timedelta(hours=1), LAST, LAST + timedelta(hours=2)]
    write_table(stages.folder, "fg_a", [fg_a_row(at, host) for at in times for host in ("10.0.1.5", "10.0.1.6")])
    write_table(stages.folder, "pair_counts", [pair_row(at) for at in times])
    put_calendar(stages.folder, {"start": "2026-03-02T11:00Z", "end": "2026-03-02T11:30Z", "hosts": ["10.0.1.5"]})
    report = publish(stages)
    bands = [row for row in rows(stages, "fg_b/host") if (row["role"], row["window_label"]) == ("inbound", "w_8h")]
    # of four windows the second is in it, and the third remembers it
    assert {row["host_ip"]: row["sessions_cnt_support_count"] for row in bands} == {"10.0.1.5": 2, "10.0.1.6": 4}
    assert [row["pair_seen_count"] for row in rows(stages, "fg_b/pair/host")] == [3]
    assert report.details["left_out_by_calendar"] == {"2d": {"hosts": 1, "days": 2, "rows": 2, "rows_found": 8}}


def test_a_calendar_that_leaves_nothing_is_an_error(stages: Stages) -> None:
    write_table(stages.folder, "fg_a", [fg_a_row(FIRST)])
    write_table(stages.folder, "pair_counts", [pair_row(FIRST)])
    put_calendar(stages.folder, {"start": "2026-03-01T00:00Z", "end": "2026-03-04T00:00Z", "all_hosts": True})
    with pytest.raises(InputError, match="left out by the calendar: 1 host, 1 day, 1 of 1 row"):
        publish(stages)


@pytest.mark.slow
def test_pair_baselines(stages: Stages) -> None:
    write_table(stages.folder, "fg_a", [fg_a_row(FIRST)])
    other = {"src_ip": "10.0.1.6"}
    pairs = [
        pair_row(FIRST, sessions_cnt=2),
        pair_row(LAST, sessions_cnt=1),
        pair_row(LAST, **other),
        pair_row(LAST, dst_port=22, sessions_cnt=9),
    ]
    write_table(stages.folder, "pair_counts", pairs)
    publish(stages)
    old, rare, new = sorted(rows(stages, "fg_b/pair/host"), key=lambda row: (row["dst_port"] == 22, row["src_ip"]))
    half = timedelta(minutes=7, seconds=30)
    assert (old["pair_seen_count"], old["active_days"], old["pair_last_seen_ts"]) == (3, 2, LAST + half)
    assert (old["pair_daily_avg"], old["pair_rarity_score"]) == (1.5, 0.25)  # 3 / 2 days; 1 / (1 + 3)
    assert (old["is_new_pair_flag"], old["is_rare_pair_flag"]) == (False, False)
    assert (rare["src_ip"], rare["is_new_pair_flag"], rare["is_rare_pair_flag"]) == ("10.0.1.6", True, True)
    assert (new["dst_port"], new["pair_rarity_score"]) == (22, 0.1)
    segment = {row["dst_port"]: row for row in rows(stages, "fg_b/pair/segment")}
    assert (segment[443]["segment_id"], segment[443]["pair_seen_count"]) == ("10.0.1.0/24", 4)


@pytest.mark.slow
def test_ip_metadata_takes_names_from_the_latest_snapshot_up_to_the_month(stages: Stages) -> None:
    hosts = {"10.0.1.5": [FIRST, LAST], "10.0.1.6": [LAST], "10.0.1.7": [LAST]}
    write_table(
        stages.folder, "fg_a", [fg_a_row(moment, host) for host, moments in hosts.items() for moment in moments]
    )
    write_table(stages.folder, "pair_counts", [pair_row(FIRST)])
    snapshots = [
        ("2026-02", "10.0.1.5", "old"),
        ("2026-03", "10.0.1.5", "VDI-12"),
        ("2026-03", "10.0.1.6", "srv-vdi-1"),
        ("2026-04", "10.0.1.6", "vdi-9"),
    ]
    write_table(
        stages.folder,
        "machine_inventory",
        [
            {"snapshot_month": month, "host_ip": host, "machine_name": name, "is_active": True}
            for month, host, name in snapshots
        ],
    )
    report = publish(stages)
    five, six, seven = rows(stages, "fg_b/ip_metadata")
    assert (five["machine_name"], five["is_non_persistent_machine"], five["is_full_history"]) == ("VDI-12", True, True)
    assert (six["machine_name"], six["is_non_persistent_machine"], six["is_full_history"]) == (
        "srv-vdi-1", False, False,
    )  # fmt: skip
    assert (seven["machine_name"], seven["is_non_persistent_machine"]) == (None, False)
    assert (five["windows_count"], five["is_cold_start"], five["segment_id"]) == (2, True, "10.0.1.0/24")
    assert report.details["machine_inventory"] == "2026-03"


@pytest.mark.slow
def test_without_an_inventory_names_are_null_and_the_report_says_so(stages: Stages) -> None:
    write_table(stages.folder, "fg_a", [fg_a_row(FIRST)])
    write_table(stages.folder, "pair_counts", [pair_row(FIRST)])
    report = publish(stages)
    assert rows(stages, "fg_b/ip_metadata")[0]["machine_name"] is None
    assert "no snapshot" in report.details["machine_inventory"]


@pytest.fixture
def filled(stages: Stages) -> Stages:
    windows = Windows.parse("2026-03-02T06:08Z/2026-03-02T09:08Z")
    hosts = ["10.0.1.5", "10.0.1.6", "10.0.2.5", "10.0.3.5"]
    write_table(stages.folder, "fg_a", random_fg_a(windows, hosts, share=0.8))
    write_table(stages.folder, "pair_counts", random_pairs(windows, hosts))
    return stages


def all_rows(stages: Stages) -> dict[str, Any]:
    return {table: rows(stages, table) for table in (*TABLES, "fg_b/publications")}


@pytest.mark.slow
def test_a_second_run_and_a_run_in_many_passes_give_equal_tables(filled: Stages) -> None:
    publish(filled)
    once = all_rows(filled)
    publish(filled)
    assert all_rows(filled) == once
    publish(filled, pass_bytes=4000)
    assert all_rows(filled) == once
    assert not [path.name for path in filled.folder.iterdir() if path.name.startswith("_staging")]


KILLED_AT = (1, 5)  # between host and segment; before the pointer


def check_killed_publications(stages: Stages, commits: Sequence[int]) -> None:
    """Readers see one publication wherever the next is killed; it leaves no rows behind once another one ran."""
    publish(stages)
    before = all_rows(stages)
    for commit in commits:
        with killed_at(commit):
            publish(stages, reference=LATER)
        assert all_rows(stages) == before
    publish(stages, reference=LATER)
    assert {row["reference_ts"] for table in all_rows(stages).values() for row in table} == {LATER}
    (current,) = publications(stages.lake, "v1").values()
    for table in TABLES:
        held = {partition["publication_id"] for partition in stages.lake.partitions(table)}
        assert held == {current.publication_id, current.previous_id}


@pytest.mark.slow
def test_readers_see_one_publication_wherever_the_next_is_killed(filled: Stages) -> None:
    check_killed_publications(filled, KILLED_AT)


@pytest.mark.slow
def test_a_run_that_another_one_overtook_does_not_publish(filled: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(filled)
    before = all_rows(filled)
    monkeypatch.setattr("jobs.fg_b.job.new_id", lambda after: "20000101T000000.000000Z-began-first")
    with pytest.raises(CommitError, match=r"2d for month 2026-03 were published by a run that began later"):
        publish(filled, reference=LATER)
    assert all_rows(filled) == before


@pytest.mark.slow
def test_other_months_and_horizons_stay(filled: Stages) -> None:
    publish(filled)
    before = rows(filled, "fg_b/host")
    publish(filled, baseline_month="2026-04")
    months = {row["baseline_month"] for row in rows(filled, "fg_b/host")}
    assert months == {"2026-03", "2026-04"}
    assert [row for row in rows(filled, "fg_b/host") if row["baseline_month"] == "2026-03"] == before


@pytest.mark.slow
def test_each_horizon_is_published(filled: Stages) -> None:
    filled.project = ProjectParameters(horizons={"2d": Horizon(2, 1), "4d": Horizon(4, 0.5)})
    filled.run(run, config(filled))
    assert [row["baseline_horizon"] for row in rows(filled, "fg_b/publications")] == ["2d", "4d"]


def test_before_the_first_features_a_project_learns(stages: Stages) -> None:
    said = {"2d": "day 0 of 3: nothing before 2026-03-05T00:08Z has features yet"}
    assert publish(stages).details["learning"] == said
    write_table(stages.folder, "fg_a", [fg_a_row(REFERENCE + timedelta(days=1))])
    assert publish(stages).details["learning"] == {"2d": said["2d"].replace("day 0", "day 1")}
    assert not stages.lake.exists("fg_b/publications")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first_day", "bounds", "daily", "said"),
    [
        (2, ("2026-03-02T00:08", "2026-03-04T00:08"), 0.5, None),  # the horizon and its gap
        (3, ("2026-03-03T00:08", "2026-03-04T00:23"), 0.5, "day 2 of 3"),  # the gap given up for the horizon
        (4, ("2026-03-04T00:08", "2026-03-05T00:08"), 1 / (1 + 8 / 1440), "day 1 of 3"),
    ],
)
def test_a_young_project_has_a_provisional_baseline_that_grows(
    stages: Stages, first_day: int, bounds: tuple[str, str], daily: float, said: str | None
) -> None:
    days = [datetime(2026, 3, day, 0, 8, tzinfo=UTC) for day in range(first_day, 5)]
    ends = [datetime(2026, 3, day, 23, 53, tzinfo=UTC) for day in range(first_day, 5)]
    write_table(stages.folder, "fg_a", [fg_a_row(moment) for moment in (*days, *ends)])
    write_table(stages.folder, "pair_counts", [pair_row(days[0])])
    learning = publish(stages).details.get("learning")
    assert learning == (said and {"2d": f"{said}: a provisional baseline, of the history so far"})
    (publication,) = rows(stages, "fg_b/publications")
    found = (publication["history_start_ts"], publication["history_end_ts"])
    assert found == tuple(datetime.fromisoformat(bound).replace(tzinfo=UTC) for bound in bounds)
    assert rows(stages, "fg_b/pair/host")[0]["pair_daily_avg"] == pytest.approx(daily)


def test_missing_tables_and_empty_horizons_are_named(stages: Stages) -> None:
    long_ago = FIRST - timedelta(days=9)
    write_table(stages.folder, "fg_a", [fg_a_row(long_ago)])
    write_table(stages.folder, "pair_counts", [pair_row(long_ago)])
    with pytest.raises(InputError, match=r"fg_a has no rows in horizon 2d .2026-03-02T00:08Z/2026-03-04T00:08Z"):
        publish(stages)
    assert not stages.lake.exists("fg_b/publications")
    write_table(stages.folder, "fg_a", [fg_a_row(FIRST)])
    with pytest.raises(InputError, match="pair_counts has no rows in horizon 2d"):
        publish(stages)


@pytest.mark.parametrize(
    "arguments", [["--month", "2026-13"], ["--month", "2026-03", "--reference-time", "2026-03-05T00:00"]]
)
def test_wrong_months_and_times_are_usage_errors(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [*arguments, "--lake", str(tmp_path)])
    assert result.exit_code == 2
    assert arguments[-1] in result.output


def test_help_names_every_option() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(option in result.output for option in ("--month", "--reference-time", "--lake", "--engine"))


@pytest.mark.slow
def test_tables_match_their_declaration(filled: Stages) -> None:
    publish(filled)
    for name in TABLES:
        declared = filled.lake.table(name)
        for column in declared.columns:
            values = filled.lake.arrow(name, [column.name])[column.name]
            assert column.nullable or values.null_count == 0, f"{name}.{column.name}"
            assert not pa.types.is_null(values.type)
    assert SPEC.version == rows(filled, "fg_b/host")[0]["feature_spec_version"]
