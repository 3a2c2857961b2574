"""The oracle of baselines against values worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from common.config.project import ProjectParameters
from common.contracts import tables
from common.features.spec import Horizon, load_spec
from common.windows import Windows, parse_moment
from tests.factories import fg_a_row, fg_a_table, pair_counts_row, pair_counts_table, random_fg_a
from tests.oracle import fg_b
from tests.types import Row

SPEC = replace(load_spec("v1"), support_min=4)
REFERENCE = "2026-03-11T13:08Z"
HORIZON = Horizon(days=1, gap_days=1)  # 9 March 13:08 to 10 March 13:08
WINDOWS = [f"2026-03-09T13:{minute}Z" for minute in ("08", "23", "38", "53")] + ["2026-03-09T14:08Z"]
PROJECT = ProjectParameters()


def history(name: str, *values: Any, windows: Sequence[str] = WINDOWS, **overrides: Any) -> list[Row]:
    return [
        fg_a_row(SPEC, window, **overrides, **({} if value is None else {name: value}))
        for window, value in zip(windows, values, strict=False)
    ]


def baselines(
    *rows: Row, pairs: Sequence[Row] = (), reference: str = REFERENCE, inventory: pa.Table | None = None
) -> dict[str, pa.Table]:
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


def one(table: pa.Table, **wanted: Any) -> Row:
    wanted = {"role": "outbound", "window_label": "w_15m", **wanted} if "role" in table.column_names else wanted
    row: Row
    (row,) = [row for row in table.to_pylist() if all(row[column] == value for column, value in wanted.items())]
    return row


def statistics(row: Row, metric: str) -> list[Any]:
    return [row[f"{metric}_{name}"] for name in ("median", "p25", "p75", "p95", "p99", "mad", "iqr", "support_count")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["host", "segment", "ip_metadata", "pair/host", "pair/segment"])
def test_every_column_of_the_contract_is_there_with_its_type(name: str) -> None:
    made = baselines(fg_a_row(SPEC), pairs=[pair_counts_row()])[name].schema
    contract = tables(SPEC)[f"fg_b/{name}"].arrow
    computed = {field.name: field.type for field in contract if field.name != "publication_id"}
    assert dict(zip(made.names, made.types, strict=True)) == computed


@pytest.mark.slow
def test_statistics_of_five_numbers() -> None:
    row = one(baselines(*history("duration_sum_w_15m", 1, 1, 2, 4, 9))["host"])
    # positions in 0..4: p25 1, p50 2, p75 3, p95 3.8 -> 4 + 0.8 · 5 = 8, p99 3.96 -> 8.8
    # deviations from 2: 1 1 0 2 7, their median 1; iqr 4 - 1
    assert statistics(row, "duration_sum") == pytest.approx([2, 1, 4, 8, 8.8, 1, 3, 5])
    assert (row["duration_sum_cold_start_flag"], row["outlier_count"]) == (False, 0)


def test_an_outlier_of_the_segment_is_kept_out_of_its_label_and_role_only() -> None:
    made = baselines(*history("sessions_cnt_w_15m", 1, 2, 3, 4, 100))
    # median 3, mad of (2 1 0 1 97) = 1: 97 / 1.4826 > 6. Of 1 2 3 4: deviations from 2.5 are 1.5 0.5 0.5 1.5
    expected = pytest.approx([2.5, 1.75, 3.25, 3.85, 3.97, 1.0, 1.5, 4])
    for name in ("host", "segment"):
        row = one(made[name])
        assert statistics(row, "sessions_cnt") == expected
        assert (row["outlier_count"], row["bytes_src_sum_support_count"]) == (1, 4)
        assert one(made[name], window_label="w_1h")["outlier_count"] == 0
        assert one(made[name], role="inbound")["outlier_count"] == 0


def test_the_floor_keeps_small_changes_of_a_constant_from_being_outliers() -> None:
    # constant 1000 bytes: scale 1 % of the median = 10; 60 / 10 is not above 6, 61 / 10 is
    made = baselines(*history("bytes_src_sum_w_15m", 1000, 1000, 1000, 1060, 1061))
    assert one(made["host"])["outlier_count"] == 1


def test_a_host_whose_rows_are_all_outliers_keeps_its_rows() -> None:
    strange = history("sessions_cnt_w_15m", 1000, windows=WINDOWS[:1], host_ip="10.1.1.11")
    made = baselines(*history("sessions_cnt_w_15m", 1, 2, 3, 4), *strange)["host"]
    row = one(made, host_ip="10.1.1.11")
    assert statistics(row, "sessions_cnt") == [None] * 7 + [0]
    assert (row["sessions_cnt_cold_start_flag"], row["outlier_count"]) == (True, 1)
    assert sum(host == "10.1.1.11" for host in made["host_ip"].to_pylist()) == 10


def test_nulls_are_left_out_of_statistics_and_support() -> None:
    name = "new_peer_cnt_lookback30d"
    rows = [
        row | {f"{name}_w_15m": value} for row, value in zip(history("", *[None] * 4), (3, None, 5, None), strict=True)
    ]
    row = one(baselines(*rows)["host"])
    assert statistics(row, name) == pytest.approx([4, 3.5, 4.5, 4.9, 4.98, 1, 1, 2])
    assert row[f"{name}_cold_start_flag"] and not row["sessions_cnt_cold_start_flag"]


def test_bands_have_their_own_rows() -> None:
    night = fg_a_row(SPEC, WINDOWS[0], time_band="off_hours")
    assert baselines(night, fg_a_row(SPEC, WINDOWS[1]))["segment"].num_rows == 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "expected"), [(REFERENCE, 2), ("2026-03-11T13:10Z", 1), ("2026-03-11T13:07Z", 1)]
)
def test_a_window_belongs_to_the_horizon_when_it_lies_inside(reference: str, expected: int) -> None:
    windows = ("2026-03-09T12:53Z", "2026-03-09T13:08Z", "2026-03-10T12:53Z", "2026-03-10T13:08Z")
    made = baselines(*(fg_a_row(SPEC, window) for window in windows), reference=reference)
    assert one(made["ip_metadata"])["windows_count"] == expected


def test_ip_metadata() -> None:
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


def test_pairs() -> None:
    pairs = [
        pair_counts_row(WINDOWS[0], sessions_cnt=3),
        pair_counts_row("2026-03-10T00:08Z", sessions_cnt=2),
        pair_counts_row("2026-03-10T12:53Z", dst_port=80),
        pair_counts_row("2026-03-09T12:53Z", dst_port=80),
        pair_counts_row(WINDOWS[0], src_ip="10.1.1.11", sessions_cnt=4),
    ]
    made = baselines(pairs=pairs)
    columns = ["pair_seen_count", "active_days", "pair_daily_avg", "pair_rarity_score", "is_new_pair_flag"]
    columns += ["is_rare_pair_flag", "pair_last_seen_ts"]
    known, fresh = (one(made["pair/host"], src_ip="10.1.1.10", dst_port=port) for port in (443, 80))
    assert [known[c] for c in columns] == [5, 2, 5.0, pytest.approx(1 / 6), False, False, pairs[1]["event_ts"]]
    # the earlier one lies outside the horizon
    assert [fresh[c] for c in columns] == [1, 1, 1.0, 0.5, True, True, pairs[2]["event_ts"]]
    assert one(made["pair/segment"], dst_port=443)["pair_seen_count"] == 9


@pytest.mark.slow
def test_random_rows_have_what_they_promise() -> None:
    made = random_fg_a(SPEC, Windows.parse("2026-03-09T06:08Z/2026-03-09T09:08Z"), seed=1)
    assert made.equals(random_fg_a(SPEC, Windows.parse("2026-03-09T06:08Z/2026-03-09T09:08Z"), seed=1))
    assert set(made["time_band"].to_pylist()) == {"working_hours", "off_hours"}
    found = fg_b(made, pair_counts_table(SPEC), SPEC, PROJECT, parse_moment(REFERENCE), "7d", Horizon(2, 1))
    assert sum(found["host"]["outlier_count"].to_pylist()) > 0
    assert set(found["host"]["sessions_cnt_cold_start_flag"].to_pylist()) == {True, False}
