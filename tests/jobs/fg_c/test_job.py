from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from common.config.project import ProjectParameters
from common.errors import InputError, TableError
from common.features.spec import Horizon
from common.lake.publications import publications
from common.runtime.run_report import RunReport
from common.windows import WINDOW, Windows
from jobs.fg_b.config import BaselineConfig
from jobs.fg_b.job import run as run_fg_b
from jobs.fg_c.cli import main
from jobs.fg_c.config import DeviationConfig
from jobs.fg_c.job import run
from tests.conftest import Stages
from tests.jobs.fg_b.synthetic import fg_a_row, pair_row, random_fg_a, random_pairs
from tests.lakes import write_table

pytestmark = pytest.mark.slow

REFERENCE = datetime(2026, 3, 2, 0, 8, tzinfo=UTC)
NOW = Windows.parse("2026-03-02T08:08Z")
HISTORY = datetime(2026, 3, 1, 8, 8, tzinfo=UTC)
LONG = 52
"""Windows that make a host warm: more than support_min."""


def history(host: str, count: int = LONG, **values: Any) -> list[dict[str, Any]]:
    """Rows of the day before, all in working hours whatever the clock says."""
    bands = {"time_band": "working_hours"}
    return [fg_a_row(HISTORY + number * WINDOW, host, **values) | bands for number in range(count)]


def fill(stages: Stages, fg_a: list[dict[str, Any]], pairs: list[dict[str, Any]] | None = None) -> None:
    write_table(stages.folder, "fg_a", fg_a)
    write_table(stages.folder, "pair_counts", pairs or [pair_row(HISTORY)])


def publish(stages: Stages, month: str = "2026-03", days: float = 1) -> None:
    stages.project = ProjectParameters(horizons={"1d": Horizon(days, 0)})
    common = stages.config("2026-03-01T00:08Z/2026-03-02T00:08Z")
    stages.run(run_fg_b, BaselineConfig(**common, baseline_month=month, reference=REFERENCE))


def deviate(stages: Stages, windows: Windows = NOW, **overrides: Any) -> RunReport:
    config = replace(DeviationConfig(**stages.config(str(windows))), **overrides)
    return stages.run(run, config)


def rows(stages: Stages) -> dict[str, dict[str, Any]]:
    """The rows of `NOW` by host."""
    found = stages.lake.arrow("fg_c", windows=NOW).to_pylist()
    by_host = {row["host_ip"]: row for row in found}
    assert len(by_host) == len(found)
    return by_host


def test_a_host_is_compared_with_its_own_baseline(stages: Stages) -> None:
    past = history("10.0.1.5", deny_cnt=4.0, bytes_src_sum=1000.0, deny_ratio=0.5)
    values: dict[str, Any] = {"deny_cnt": 8.0, "bytes_src_sum": 1500.0, "deny_ratio": 0.52}
    fill(stages, [*past, fg_a_row(NOW.start, **values)])
    publish(stages)
    report = deviate(stages)
    row = rows(stages)["10.0.1.5"]
    assert (row["baseline_source"], row["baseline_horizon"], row["baseline_month"]) == ("host", "1d", "2026-03")
    # the past is constant: mad and iqr are 0, the floor is the scale
    assert (row["deny_cnt_w_15m_z_mad"], row["deny_cnt_w_15m_ratio"]) == (4.0, 2.0)  # (8 - 4) / 1; 8 / 4
    assert row["in_bytes_src_sum_w_1h_z_mad"] == 6.0  # 500 / (1 % of 1000), clipped
    assert row["deny_ratio_w_24h_z_mad"] == pytest.approx(2.0)  # 0.02 / 0.01
    assert row["sessions_cnt_w_15m_ratio"] == 0.0  # 0 / max(0, 1)
    assert row["anomaly_strength_core"] == 6.0
    assert (report.rows_in, report.rows_out) == (1, 1)
    (publication,) = publications(stages.lake, "v1").values()
    assert report.details["baselines"] == [
        {"window": str(NOW), "horizon": "1d", "month": "2026-03", "publication_id": publication.publication_id}
    ]


def test_the_scale_is_the_mad_or_the_iqr_where_they_exceed_the_floor(stages: Stages) -> None:
    # 13 times 0 10 20 30: median 15; deviations 15 5 5 15: mad 10, times 1.4826 = 14.826;
    # ranks of 52 values: p25 at 12.75 = 7.5, p75 at 38.25 = 22.5, iqr 15 / 1.349 = 11.119
    past = [
        row | fg_a_row(row["window_start_ts"], deny_cnt=10.0 * (number % 4), time_band="working_hours")
        for number, row in enumerate(history("10.0.1.5"))
    ]
    fill(stages, [*past, fg_a_row(NOW.start, deny_cnt=30.0)])
    publish(stages)
    deviate(stages)
    assert rows(stages)["10.0.1.5"]["deny_cnt_w_15m_z_mad"] == pytest.approx(15 / 14.826)


def test_cold_and_unknown_hosts_take_the_baseline_of_their_segment(stages: Stages) -> None:
    past = [*history("10.0.1.5", deny_cnt=4.0), *history("10.0.1.6", 3, deny_cnt=100.0), *history("10.0.2.5", 3)]
    hosts = ["10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.2.5", "10.0.3.5"]
    fill(stages, [*past, *(fg_a_row(NOW.start, host, deny_cnt=5.0) for host in hosts)])
    publish(stages)
    deviate(stages)
    found = rows(stages)
    sources = {host: row["baseline_source"] for host, row in found.items()}
    assert sources == {
        "10.0.1.5": "host",
        "10.0.1.6": "segment",  # 3 windows are too few
        "10.0.1.7": "segment",  # was not there
        "10.0.2.5": "none",  # its segment is cold, too
        "10.0.3.5": "none",  # its segment was not there
    }
    # the segment's median is 4: 52 times 4, 3 times 100
    assert [found[host]["deny_cnt_w_15m_z_mad"] for host in hosts] == [1.0, 1.0, 1.0, None, None]
    assert found["10.0.3.5"]["sessions_cnt_w_1h_ratio"] is None
    assert found["10.0.3.5"]["anomaly_strength_core"] is None
    assert found["10.0.3.5"]["scan_suspicion_score"] is None


def test_one_cold_slice_makes_the_source_the_segment(stages: Stages) -> None:
    past = history("10.0.1.5", 51) + history("10.0.1.6", 51)
    for row in past[:2]:  # outliers of one slice: 49 of the 51 windows are left there
        row["in_sessions_cnt_w_1h"] = 500.0
    fill(stages, [*past, *(fg_a_row(NOW.start, host) for host in ("10.0.1.5", "10.0.1.6"))])
    publish(stages)
    deviate(stages)
    found = rows(stages)
    assert (found["10.0.1.5"]["baseline_source"], found["10.0.1.6"]["baseline_source"]) == ("segment", "host")
    assert found["10.0.1.5"]["in_sessions_cnt_w_1h_z_mad"] == 0.0


def test_the_other_time_band_has_a_baseline_of_its_own(stages: Stages) -> None:
    night = fg_a_row(NOW.start) | {"time_band": "off_hours"}
    fill(stages, [*history("10.0.1.5"), night])
    publish(stages)
    deviate(stages)
    assert rows(stages)["10.0.1.5"]["baseline_source"] == "none"


def test_novelty_without_history_has_null_deviations_on_either_side(stages: Stages) -> None:
    past = history("10.0.1.5", new_pair_cnt_lookback30d=None, new_dst_port_cnt_lookback30d=0.0)
    now = fg_a_row(NOW.start, new_pair_cnt_lookback30d=3.0, new_dst_port_cnt_lookback30d=None)
    fill(stages, [*past, now])
    publish(stages)
    deviate(stages)
    row = rows(stages)["10.0.1.5"]
    for name in ("new_pair_cnt_lookback30d", "new_dst_port_cnt_lookback30d"):
        assert [row[f"{name}_w_15m_{transform}"] for transform in ("z_mad", "ratio", "log_ratio")] == [None] * 3
    assert row["sessions_cnt_w_15m_z_mad"] == 0.0


def test_pair_features(stages: Stages) -> None:
    hosts = ["10.0.1.5", "10.0.1.6"]
    past = [row for host in hosts for row in history(host)]
    known = [pair_row(HISTORY, dst_port=443, sessions_cnt=3), pair_row(HISTORY, dst_port=80, sessions_cnt=1)]
    now = [pair_row(NOW.start, dst_port=port, sessions_cnt=70) for port in (443, 80, 22)]
    fill(stages, [*past, *(fg_a_row(NOW.start, host) for host in hosts)], [*known, *now])
    publish(stages)
    deviate(stages)
    found = rows(stages)
    # rarities 1 / (1 + 3), 1 / (1 + 1) and, because port 22 is unknown, 1
    assert found["10.0.1.5"]["pair_rarity_max"] == 1.0
    assert found["10.0.1.5"]["pair_rarity_mean"] == pytest.approx(1.75 / 3)
    assert found["10.0.1.5"]["new_pair_share"] == pytest.approx(1 / 3)
    assert [found["10.0.1.6"][name] for name in ("pair_rarity_max", "pair_rarity_mean", "new_pair_share")] == [None] * 3


@pytest.fixture
def filled(stages: Stages) -> Stages:
    windows = Windows.parse("2026-03-01T00:08Z/2026-03-01T03:08Z")
    now = Windows.parse("2026-03-02T00:08Z/2026-03-02T01:08Z")
    hosts = ["10.0.1.5", "10.0.1.6", "10.0.2.5"]
    past, present = (random_fg_a(part, hosts, share=0.8) for part in (windows, now))
    write_table(stages.folder, "fg_a", past.to_pylist() + present.to_pylist())
    write_table(stages.folder, "pair_counts", random_pairs(windows, hosts) + random_pairs(now, hosts, seed=8))
    publish(stages)
    return stages


def test_a_second_run_and_a_run_in_many_parts_give_equal_tables(filled: Stages) -> None:
    windows = Windows.parse("2026-03-02T00:08Z/2026-03-02T01:08Z")

    def table() -> Any:
        return filled.lake.arrow("fg_c").sort_by([("window", "ascending"), ("host_ip", "ascending")]).to_pylist()

    deviate(filled, windows)
    once = table()
    assert {row["window"] for row in once} == {window.key for window in windows}
    deviate(filled, windows)
    assert table() == once
    deviate(filled, windows, part_rows=1)
    assert table() == once
    deviate(filled, Windows.parse("2026-03-02T00:23Z"))
    assert table() == once


def test_a_baseline_that_was_published_again_is_read_again(stages: Stages) -> None:
    fill(stages, [*history("10.0.1.5", deny_cnt=4.0), fg_a_row(NOW.start, deny_cnt=4.0)])
    publish(stages)
    deviate(stages)
    assert rows(stages)["10.0.1.5"]["deny_cnt_w_15m_z_mad"] == 0.0
    fill(stages, [*history("10.0.1.5", deny_cnt=2.0), fg_a_row(NOW.start, deny_cnt=4.0)])
    publish(stages)
    deviate(stages)
    assert rows(stages)["10.0.1.5"]["deny_cnt_w_15m_z_mad"] == 2.0


def test_two_horizons_give_two_rows(stages: Stages) -> None:
    past = history("10.0.1.5", deny_cnt=4.0)
    fill(stages, [*past, fg_a_row(NOW.start, deny_cnt=4.0)])
    stages.project = ProjectParameters(horizons={"1d": Horizon(1, 0), "2d": Horizon(2, 0)})
    common = stages.config("2026-03-01T00:08Z/2026-03-02T00:08Z")
    stages.run(run_fg_b, BaselineConfig(**common, baseline_month="2026-03", reference=REFERENCE))
    deviate(stages)
    assert sorted(stages.lake.arrow("fg_c", ["baseline_horizon"])["baseline_horizon"].to_pylist()) == ["1d", "2d"]


def test_missing_baselines_are_errors_and_write_nothing(stages: Stages) -> None:
    with pytest.raises(TableError, match="table fg_a does not exist"):
        deviate(stages)
    fill(stages, [*history("10.0.1.5"), fg_a_row(NOW.start)])
    stages.project = ProjectParameters(horizons={"1d": Horizon(1, 0)})
    with pytest.raises(TableError, match=r"fg_b/publications has no baseline of horizon 1d for month 2026-02"):
        deviate(stages, baseline_month="2026-02")
    assert not stages.lake.exists("fg_c")


def test_without_baselines_a_project_learns(stages: Stages) -> None:
    fill(stages, [*history("10.0.1.5"), fg_a_row(NOW.start)])
    stages.project = ProjectParameters(horizons={"1d": Horizon(1, 0), "9d": Horizon(7.5, 1)})
    both = {
        "1d": "day 1 of 1: no baseline yet, so no deviations; ndr-fg-b makes it",
        "9d": "day 2 of 9: no baseline yet, so no deviations; ndr-fg-b makes it",
    }
    report = deviate(stages)
    assert (report.details["learning"], report.rows_in, report.rows_out, rows(stages)) == (both, 1, 0, {})
    publish(stages)
    deviate(stages)
    assert [row["baseline_horizon"] for row in rows(stages).values()] == ["1d"]
    stages.project = ProjectParameters(horizons={"1d": Horizon(1, 0), "9d": Horizon(7.5, 1)})
    assert deviate(stages).details["learning"] == {"9d": both["9d"]}
    assert [row["baseline_horizon"] for row in rows(stages).values()] == ["1d"]


def test_a_baseline_table_without_the_horizon_is_named(stages: Stages) -> None:
    fill(stages, [*history("10.0.1.5"), fg_a_row(NOW.start)])
    publish(stages)
    (stages.folder / "fg_b/segment").rename(stages.folder / "gone")
    with pytest.raises(TableError, match=r"table fg_b/segment .* horizon 1d for month 2026-03"):
        deviate(stages)


def test_no_rows_for_the_window_says_what_to_run_but_a_quiet_window_is_normal(stages: Stages) -> None:
    fill(stages, [*history("10.0.1.5"), fg_a_row(NOW.start)])
    publish(stages)
    later = Windows(NOW.end, NOW.end + WINDOW)
    with pytest.raises(InputError, match="Run ndr-fg-a --window 2026-03-02T08:23Z first"):
        deviate(stages, later)
    deviate(stages, Windows(NOW.start, NOW.end + timedelta(minutes=30)))
    assert list(rows(stages)) == ["10.0.1.5"]


def test_help_names_every_option() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(option in result.output for option in ("--window", "--baseline-month", "--lake", "--engine"))
