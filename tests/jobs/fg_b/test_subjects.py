from datetime import timedelta
from typing import Any

import pyarrow as pa

from common.windows import Windows
from jobs.fg_b.subjects import all_slices, feature_columns, result_columns, segment_baselines
from tests.factories import SPEC
from tests.jobs.fg_b.synthetic import fg_a_row

START = Windows.parse("2026-03-02T10:08Z").start
DAY = timedelta(days=1)


def baselines(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ["host_ip", "segment_id", "time_band", *feature_columns(SPEC, all_slices(SPEC))]
    group = pa.table({name: pa.array([row[name] for row in rows]) for name in names})
    result: pa.Table = segment_baselines(SPEC, all_slices(SPEC))(group)
    assert result.column_names == [column.name for column in result_columns(SPEC)]
    found: list[dict[str, Any]] = result.to_pylist()
    return found


def of(rows: list[dict[str, Any]], host: str | None, **where: Any) -> dict[str, Any]:
    where = {"role": "outbound", "window_label": "w_15m", "host_ip": host} | where
    (found,) = [row for row in rows if all(row[name] == value for name, value in where.items())]
    return found


def test_each_subject_has_a_row_for_every_role_and_label_of_its_bands() -> None:
    found = baselines([fg_a_row(START), fg_a_row(START + 0.5 * DAY), fg_a_row(START, "10.0.1.6")])
    rows = {(row["host_ip"], row["time_band"]) for row in found}
    assert rows == {
        ("10.0.1.5", "working_hours"), ("10.0.1.5", "off_hours"), ("10.0.1.6", "working_hours"),
        (None, "working_hours"), (None, "off_hours"),
    }  # fmt: skip
    assert len(found) == 5 * 10
    assert {row["segment_id"] for row in found} == {"10.0.1.0/24"}


def test_statistics_of_a_host_and_of_its_segment() -> None:
    rows = [fg_a_row(START + number * DAY, sessions_cnt=float(number)) for number in range(4)]  # 0 1 2 3
    rows += [fg_a_row(START, "10.0.1.6", sessions_cnt=5.0)]
    found = baselines(rows)
    host = of(found, "10.0.1.5")
    assert (host["sessions_cnt_median"], host["sessions_cnt_support_count"]) == (1.5, 4)
    segment = of(found, None)
    assert (segment["sessions_cnt_median"], segment["sessions_cnt_support_count"]) == (2.0, 5)  # 0 1 2 3 5
    assert host["sessions_cnt_cold_start_flag"] is True  # 4 < 50


def test_a_host_is_warm_from_support_min_on() -> None:
    for count, cold in ((49, True), (50, False)):
        rows = [fg_a_row(START + number * DAY) for number in range(count)]
        assert of(baselines(rows), "10.0.1.5")["sessions_cnt_cold_start_flag"] is cold


def test_outliers_of_the_segment_are_kept_out_and_counted_in_their_slice_only() -> None:
    rows = [fg_a_row(START + number * DAY, sessions_cnt=10.0) for number in range(5)]
    # 10 everywhere: median 10, mad 0, floor 1; 100 in one label and role is 90 away
    rows += [fg_a_row(START + 5 * DAY, sessions_cnt=10.0) | {"in_sessions_cnt_w_1h": 100.0, "in_deny_cnt_w_1h": 7.0}]
    found = baselines(rows)
    hit = of(found, "10.0.1.5", role="inbound", window_label="w_1h")
    assert (hit["outlier_count"], hit["sessions_cnt_support_count"], hit["deny_cnt_p99"]) == (1, 5, 0.0)
    assert of(found, None, role="inbound", window_label="w_1h")["outlier_count"] == 1
    other = of(found, "10.0.1.5", role="outbound", window_label="w_1h")
    assert (other["outlier_count"], other["sessions_cnt_support_count"]) == (0, 6)


def test_a_subject_of_outliers_only_has_null_statistics_and_is_cold() -> None:
    rows = [fg_a_row(START + number * DAY, sessions_cnt=10.0) for number in range(5)]
    rows += [fg_a_row(START, "10.0.1.6", sessions_cnt=1000.0)]
    host = of(baselines(rows), "10.0.1.6")
    assert (host["outlier_count"], host["sessions_cnt_support_count"]) == (1, 0)
    assert host["sessions_cnt_cold_start_flag"] is True
    assert (host["sessions_cnt_median"], host["sessions_cnt_mad"], host["deny_ratio_iqr"]) == (None, None, None)


def test_novelty_without_history_has_null_statistics_and_no_support() -> None:
    host = of(baselines([fg_a_row(START, new_pair_cnt_lookback30d=None)]), "10.0.1.5")
    assert host["new_pair_cnt_lookback30d_median"] is None
    assert host["new_pair_cnt_lookback30d_support_count"] == 0
    assert host["sessions_cnt_support_count"] == 1
