"""The oracle of baselines and deviations against values worked out by hand."""

import math
from dataclasses import replace

import pyarrow as pa
import pytest

from common.project import ProjectParameters
from common.spec import Horizon, load_spec
from common.tables import tables
from common.windows import Windows, parse_moment
from tests.factories import fg_a_row, fg_a_table, pair_counts_row, pair_counts_table, random_fg_a
from tests.oracle import fg_b, fg_c

SPEC = replace(load_spec("v1"), support_min=4)
REFERENCE = "2026-03-11T13:08Z"
HORIZON = Horizon(days=1, gap_days=1)  # 9 March 13:08 to 10 March 13:08
WINDOWS = [f"2026-03-09T13:{minute}Z" for minute in ("08", "23", "38", "53")] + ["2026-03-09T14:08Z"]
PROJECT = ProjectParameters()


def history(name, *values, windows=WINDOWS, **overrides):
    return [
        fg_a_row(SPEC, window, **overrides, **({} if value is None else {name: value}))
        for window, value in zip(windows, values, strict=False)
    ]


def baselines(*rows, pairs=(), reference=REFERENCE, inventory=None):
    return fg_b(
        fg_a_table(SPEC, *rows),
        pair_counts_table(SPEC, *pairs),
        SPEC,
        PROJECT,
        parse_moment(reference),
        "7d",
        HORIZON,
        inventory,
    )


def one(table, **wanted):
    wanted = {"role": "outbound", "window_label": "w_15m", **wanted} if "role" in table.column_names else wanted
    (row,) = [row for row in table.to_pylist() if all(row[column] == value for column, value in wanted.items())]
    return row


def statistics(row, metric):
    return [row[f"{metric}_{name}"] for name in ("median", "p25", "p75", "p95", "p99", "mad", "iqr", "support_count")]


@pytest.mark.parametrize("name", ["host", "segment", "ip_metadata", "pair/host", "pair/segment"])
def test_every_column_of_the_contract_is_there_with_its_type(name):
    made = baselines(fg_a_row(SPEC), pairs=[pair_counts_row()])[name].schema
    contract = tables(SPEC)[f"fg_b/{name}"].arrow
    assert list(zip(made.names, made.types, strict=True)) == list(zip(contract.names, contract.types, strict=True))


def test_statistics_of_five_numbers():
    row = one(baselines(*history("duration_sum_w_15m", 1, 1, 2, 4, 9))["host"])
    # positions in 0..4: p25 1, p50 2, p75 3, p95 3.8 -> 4 + 0.8 · 5 = 8, p99 3.96 -> 8.8
    # deviations from 2: 1 1 0 2 7, their median 1; iqr 4 - 1
    assert statistics(row, "duration_sum") == pytest.approx([2, 1, 4, 8, 8.8, 1, 3, 5])
    assert (row["duration_sum_cold_start_flag"], row["outlier_count"]) == (False, 0)


def test_an_outlier_of_the_segment_is_kept_out_of_its_label_and_role_only():
    made = baselines(*history("sessions_cnt_w_15m", 1, 2, 3, 4, 100))
    # median 3, mad of (2 1 0 1 97) = 1: 97 / 1.4826 > 6. Of 1 2 3 4: deviations from 2.5 are 1.5 0.5 0.5 1.5
    expected = pytest.approx([2.5, 1.75, 3.25, 3.85, 3.97, 1.0, 1.5, 4])
    for name in ("host", "segment"):
        row = one(made[name])
        assert statistics(row, "sessions_cnt") == expected
        assert (row["outlier_count"], row["bytes_src_sum_support_count"]) == (1, 4)
        assert one(made[name], window_label="w_1h")["outlier_count"] == 0
        assert one(made[name], role="inbound")["outlier_count"] == 0


def test_the_floor_keeps_small_changes_of_a_constant_from_being_outliers():
    # constant 1000 bytes: scale 1 % of the median = 10; 60 / 10 is not above 6, 61 / 10 is
    made = baselines(*history("bytes_src_sum_w_15m", 1000, 1000, 1000, 1060, 1061))
    assert one(made["host"])["outlier_count"] == 1


def test_a_host_whose_rows_are_all_outliers_keeps_its_rows():
    strange = history("sessions_cnt_w_15m", 1000, windows=WINDOWS[:1], host_ip="10.1.1.11")
    made = baselines(*history("sessions_cnt_w_15m", 1, 2, 3, 4), *strange)["host"]
    row = one(made, host_ip="10.1.1.11")
    assert statistics(row, "sessions_cnt") == [None] * 7 + [0]
    assert (row["sessions_cnt_cold_start_flag"], row["outlier_count"]) == (True, 1)
    assert sum(host == "10.1.1.11" for host in made["host_ip"].to_pylist()) == 10


def test_nulls_are_left_out_of_statistics_and_support():
    name = "new_peer_cnt_lookback30d"
    rows = [
        row | {f"{name}_w_15m": value} for row, value in zip(history("", *[None] * 4), (3, None, 5, None), strict=True)
    ]
    row = one(baselines(*rows)["host"])
    assert statistics(row, name) == pytest.approx([4, 3.5, 4.5, 4.9, 4.98, 1, 1, 2])
    assert row[f"{name}_cold_start_flag"] and not row["sessions_cnt_cold_start_flag"]


def test_bands_have_their_own_rows():
    night = fg_a_row(SPEC, WINDOWS[0], time_band="off_hours")
    assert baselines(night, fg_a_row(SPEC, WINDOWS[1]))["segment"].num_rows == 20


@pytest.mark.parametrize(
    ("reference", "expected"), [(REFERENCE, 2), ("2026-03-11T13:10Z", 1), ("2026-03-11T13:07Z", 1)]
)
def test_a_window_belongs_to_the_horizon_when_it_lies_inside(reference, expected):
    windows = ("2026-03-09T12:53Z", "2026-03-09T13:08Z", "2026-03-10T12:53Z", "2026-03-10T13:08Z")
    made = baselines(*(fg_a_row(SPEC, window) for window in windows), reference=reference)
    assert one(made["ip_metadata"])["windows_count"] == expected


def test_ip_metadata():
    rows = [
        *history("", *[None] * 4, host_ip="10.1.1.1"),
        fg_a_row(SPEC, "2026-03-10T00:08Z", host_ip="10.1.1.1"),
        *history("", *[None] * 3, host_ip="10.1.1.2"),
        # midnight lies in a window of 9 March
        fg_a_row(SPEC, "2026-03-09T23:53Z", host_ip="10.1.1.3"),
    ]
    inventory = pa.table({"host_ip": ["10.1.1.1", "10.1.1.2"], "machine_name": ["Vdi-7", "server-vdi-1"]})
    made = baselines(*rows, inventory=inventory)["ip_metadata"].to_pylist()
    columns = ("machine_name", "windows_count", "is_full_history", "is_non_persistent_machine", "is_cold_start")
    assert [tuple(row[column] for column in columns) for row in made] == [
        ("Vdi-7", 5, True, True, False),
        ("server-vdi-1", 3, False, False, True),
        (None, 1, False, False, True),
    ]


def test_pairs():
    pairs = [
        pair_counts_row(WINDOWS[0], sessions_cnt=3),
        pair_counts_row("2026-03-10T00:08Z", sessions_cnt=2),
        pair_counts_row("2026-03-10T12:53Z", dst_port=80),
        pair_counts_row("2026-03-09T12:53Z", dst_port=80),
        pair_counts_row(WINDOWS[0], src_ip="10.1.1.11", sessions_cnt=4),
    ]
    made = baselines(pairs=pairs)
    columns = ("pair_seen_count", "active_days", "pair_daily_avg", "pair_rarity_score", "is_new_pair_flag")
    columns += ("is_rare_pair_flag", "pair_last_seen_ts")
    known, fresh = (one(made["pair/host"], src_ip="10.1.1.10", dst_port=port) for port in (443, 80))
    assert [known[c] for c in columns] == [5, 2, 5.0, pytest.approx(1 / 6), False, False, pairs[1]["event_ts"]]
    # the earlier one lies outside the horizon
    assert [fresh[c] for c in columns] == [1, 1, 1.0, 0.5, True, True, pairs[2]["event_ts"]]
    assert one(made["pair/segment"], dst_port=443)["pair_seen_count"] == 9


def deviations(current, *rows, pairs=(), now=()):
    made = baselines(*rows, pairs=pairs)
    return one(fg_c(fg_a_table(SPEC, current), pair_counts_table(SPEC, *now), made, SPEC, "7d", "2026-03"))


def transforms(row, name):
    return [row[f"{name}_{transform}"] for transform in ("z_mad", "ratio", "log_ratio")]


NOW = "2026-03-11T13:08Z"


def test_fg_c_has_every_column_of_the_contract():
    rows = [fg_a_row(SPEC, window) for window in WINDOWS]
    made = fg_c(fg_a_table(SPEC, *rows), pair_counts_table(SPEC), baselines(*rows), SPEC, "7d", "2026-03").schema
    contract = tables(SPEC)["fg_c"].arrow
    assert list(zip(made.names, made.types, strict=True)) == list(zip(contract.names, contract.types, strict=True))


@pytest.mark.parametrize(
    ("name", "past", "x", "expected"),
    [
        # median 2.5, 1.4826 · mad 1.4826 > iqr 1.5 / 1.349 = 1.11 > 1: 1.5 / 1.4826, 4 / 2.5
        ("sessions_cnt_w_15m", (1, 2, 3, 4), 4, (1.5 / 1.4826, 1.6, math.log(1.6))),
        # 0 0 0 4 8: median 0, mad 0, iqr 4 / 1.349 = 2.965 is the scale; the ratios have the floor 1
        ("rst_cnt_w_1h", (0, 0, 0, 4, 8), 3, (3 * 1.349 / 4, 3.0, math.log(3))),
        # constant: the floor of a count is 1, of bytes 1 % of the median, of a ratio 0.01, of an entropy 0.1
        ("in_threat_cnt_w_8h", (0, 0, 0, 0), 2, (2, 2, math.log(2))),
        ("bytes_src_sum_w_24h", (1000,) * 4, 1030, (3, 1.03, math.log(1.03))),
        ("bytes_src_sum_w_24h", (10,) * 4, 7, (-3, 0.7, math.log(0.7))),
        ("deny_ratio_w_15m", (0, 0, 0, 0), 0.05, (5, 5, math.log(5))),
        ("peer_ip_entropy_w_15m", (1, 1, 1, 1), 1.25, (2.5, 1.25, math.log(1.25))),
        # nothing and less: below the floor the logarithm does not go
        ("sessions_cnt_w_15m", (5,) * 4, 0, (-5, 0, math.log(1 / 5))),
        ("bytes_asymmetry_ratio_w_15m", (0.5,) * 4, -0.5, (-6, -1, math.log(0.01 / 0.5))),
        # clipped
        ("bytes_src_sum_w_24h", (1000,) * 4, 10**9, (6, 10**6, math.log(10**6))),
        ("deny_ratio_w_15m", (1,) * 4, 0, (-6, 0, math.log(0.01))),
    ],
)
def test_deviation(name, past, x, expected):
    row = deviations(fg_a_row(SPEC, NOW, **{name: x}), *history(name, *past))
    assert transforms(row, name) == pytest.approx(list(expected))
    assert row["baseline_source"] == "host"


def test_whose_baseline():
    own = [fg_a_row(SPEC, window, sessions_cnt_w_15m=9) for window in WINDOWS[:2]]
    others = history("sessions_cnt_w_15m", 5, 5, 5, host_ip="10.1.1.11")
    current = fg_a_row(SPEC, NOW, sessions_cnt_w_15m=7)
    # 2 own rows are too few, 5 of the segment (5 5 5 9 9, median 5) are enough
    row = deviations(current, *own, *others)
    assert (row["baseline_source"], row["sessions_cnt_w_15m_ratio"]) == ("segment", pytest.approx(1.4))
    # neither has enough, or the band has no row at all
    for past in ((*own,), history("sessions_cnt_w_15m", 1, 1, 1, 1, time_band="off_hours")):
        row = deviations(current, *past)
        assert row["baseline_source"] == "none"
        assert {value for name, value in row.items() if name in SPEC.fg_c_features()} == {None}
        assert row["anomaly_strength_core"] is row["scan_suspicion_score"] is None


def test_composites():
    past = [fg_a_row(SPEC, window, bytes_src_sum_w_1h=1000) for window in WINDOWS]
    current = fg_a_row(SPEC, NOW, bytes_src_sum_w_1h=1030, bytes_asymmetry_ratio_w_1h=-0.01, in_sessions_cnt_w_8h=4)
    row = deviations(current, *past)
    # of its four metrics bytes have 3, the asymmetry -1, which counts as 0; the other labels have 0
    assert row["exfiltration_suspicion_score"] == pytest.approx(0.75)
    # of the core metrics: inbound sessions 4, bytes 3
    assert row["anomaly_strength_core"] == pytest.approx(4)
    assert row["scan_suspicion_score"] == row["lateral_movement_suspicion_score"] == 0
    # without history of novelty three metrics are left, and it has no deviation
    unknown = {"new_peer_cnt_lookback30d_w_1h": None}
    row = deviations(current, *(row | unknown for row in past))
    assert row["exfiltration_suspicion_score"] == pytest.approx(1.0)
    assert transforms(row, "new_peer_cnt_lookback30d_w_1h") == [None] * 3
    # a negative deviation is strong, but not suspicious
    row = deviations(fg_a_row(SPEC, NOW), *history("deny_ratio_w_15m", 0.05, 0.05, 0.05, 0.05))
    assert row["anomaly_strength_core"] == pytest.approx(5)
    assert row["scan_suspicion_score"] == 0


def test_pair_features():
    pairs = [pair_counts_row(WINDOWS[0], sessions_cnt=5), pair_counts_row(WINDOWS[0], src_ip="10.1.1.11", dst_port=22)]
    now = [pair_counts_row(NOW), pair_counts_row(NOW, dst_port=22), pair_counts_row("2026-03-11T13:23Z", dst_port=80)]
    past = [fg_a_row(SPEC, window) for window in WINDOWS]
    row = deviations(fg_a_row(SPEC, NOW), *past, pairs=pairs, now=now)
    # 443 was seen five times: 1/6; 22 by another host only: 1
    assert row["pair_rarity_max"] == 1
    assert row["pair_rarity_mean"] == pytest.approx((1 / 6 + 1) / 2)
    assert row["new_pair_share"] == 0.5
    row = deviations(fg_a_row(SPEC, NOW, host_ip="10.1.1.12"), *past, pairs=pairs, now=now)
    assert row["pair_rarity_max"] is row["pair_rarity_mean"] is row["new_pair_share"] is None


def test_random_rows_have_what_they_promise():
    made = random_fg_a(SPEC, Windows.parse("2026-03-09T06:08Z/2026-03-09T09:08Z"), seed=1)
    assert made.equals(random_fg_a(SPEC, Windows.parse("2026-03-09T06:08Z/2026-03-09T09:08Z"), seed=1))
    assert set(made["time_band"].to_pylist()) == {"working_hours", "off_hours"}
    found = fg_b(made, pair_counts_table(SPEC), SPEC, PROJECT, parse_moment(REFERENCE), "7d", Horizon(2, 1))
    assert sum(found["host"]["outlier_count"].to_pylist()) > 0
    assert set(found["host"]["sessions_cnt_cold_start_flag"].to_pylist()) == {True, False}
