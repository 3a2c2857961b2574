import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.cases.amounts import amount, score
from common.cases.evidence import strongest
from common.contracts import tables
from common.detection.explanation import Reason
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, parse_moment
from tests.commands import call
from tests.common.detection.model_lake import HOSTS, RANGE, Overrides, host, make_lake, rows, write
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.types import Row
from tools.report.cli import main

pytestmark = pytest.mark.slow

LAST = list(RANGE)[-1]
FIRST = next(iter(RANGE))
REASONS: list[Row] = [
    {"feature": "peer_ip_nunique_w_15m_z_mad", "value": 6.0, "baseline_median": 0.1, "contribution": 2.0},
    {"feature": "scan_suspicion_score", "value": 5.0, "baseline_median": 0.2, "contribution": 1.0},
    {"feature": "peer_ip_nunique_w_1h", "value": 500.0, "baseline_median": 8.0, "contribution": 0.5},
    {"feature": "in_bytes_src_sum_w_15m_log_ratio", "value": 3.0, "baseline_median": 0.0, "contribution": 0.25},
]


REASONED: Overrides = {
    name: dict.fromkeys(range(HOSTS), value)
    for name, value in (("top_features", json.dumps(REASONS)), ("model_id", "if-1"), ("model_sha256", "00"))
}


def report(lake: Path, *options: str) -> tuple[int, str, str]:
    """The exit code, the output and the error line of a run."""
    return call(main, "--lake", lake, *options)


def baseline(name: str, subjects: Sequence[Row], **medians: Any) -> pa.Table:
    """Rows of a baseline, one for each subject (column to value), all medians and cold-start flags as given."""
    table = tables(SPEC)[name]
    fixed = {
        "segment_id": "10.20.0.0/24", "time_band": "working_hours", "window_label": "w_15m", "role": "outbound",
        "feature_spec_version": "v1", "baseline_horizon": "7d", "baseline_month": "2026-03",
        "reference_ts": RANGE.start, "publication_id": "p1",
    }  # fmt: skip
    zeros = {column.name: 0 if column.type == "long" else False if column.type == "boolean" else None
             for column in table.columns}  # fmt: skip
    return pa.Table.from_pylist([zeros | fixed | subject | medians for subject in subjects], schema=table.arrow)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake whose highest predictions are of host 3 (last window), host 3 (first window) and host 7 (last window)."""
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    high = {FIRST: {3: (0.999, 9.0)}, LAST: {3: (0.9999, 10.0), 7: (0.99, 5.0)}}
    for number, window in enumerate(RANGE):
        scores = dict.fromkeys(range(HOSTS), (0.5, 1.0)) | high.get(window, {})
        overrides: Overrides = {
            "anomaly_score": {place: pair[0] for place, pair in scores.items()},
            "raw_score": {place: pair[1] for place, pair in scores.items()},
            "top_features": dict.fromkeys(range(HOSTS), json.dumps(REASONS)),
            "model_id": dict.fromkeys(range(HOSTS), "if-1"),
            "model_sha256": dict.fromkeys(range(HOSTS), "00"),
        }
        write(lake, tables(SPEC)["predictions"], rows("predictions", window, number, overrides=overrides))
    return lake


@pytest.fixture
def lake(source: Path, tmp_path: Path) -> Path:
    return shutil.copytree(source, tmp_path / "lake")


def test_alerts_are_the_highest_scores(source: Path) -> None:
    code, text, error = report(source, "--top", "3", "--json")
    assert code == 0, error
    found = json.loads(text)
    assert found["rows"] == len(RANGE) * HOSTS
    assert [(alert["rank"], alert["host_ip"], alert["anomaly_score"]) for alert in found["alerts"]] == [
        (1, host(3), 0.9999), (2, host(3), 0.999), (3, host(7), 0.99)
    ]  # fmt: skip
    assert found["alerts"][0]["window_start_ts"] == "2026-03-10T01:53Z"


def test_an_alert_of_incomplete_logs_or_of_an_unusual_network_says_so(lake: Path) -> None:
    reason: Overrides = {
        "incomplete_reason": {3: "hq.csv.gz\x1b[2J is damaged"}, "score_note": {3: "the whole network is unusual"},
        "anomaly_score": {3: 1000.0},
    }  # fmt: skip
    write(lake, tables(SPEC)["predictions"], rows("predictions", LAST, 1, overrides={**REASONED, **reason}))
    _, text, _ = report(lake, "--top", "1")
    assert "logs of this window are incomplete: hq.csv.gz" in text
    assert "      the whole network is unusual\n" in text
    (alert,) = json.loads(report(lake, "--top", "1", "--json")[1])["alerts"]
    assert "is damaged" in alert["incomplete_reason"] and alert["score_note"] == "the whole network is unusual"


def test_users_of_the_host_in_the_window_are_named(lake: Path) -> None:
    """As initiator and as responder; those of other windows and of its peers are not its users."""
    (alert,) = json.loads(report(lake, "--top", "1", "--json")[1])["alerts"]
    assert (alert["user"], alert["users_cnt"]) == (None, 0)
    host, end = alert["host_ip"], parse_moment(alert["window_end_ts"])
    window, table = Windows(end - WINDOW, end), Lake(str(lake), SPEC).table("sessions")
    sides = [("src", "ann", 2), ("dst", "ann", 2), ("src", "bob", 3), ("dst", None, 9), ("src", "eve", 1)]
    rows = [
        table_row(table, window, **{f"{side}_ip": host, f"{side}_user": user, "repeat_count": count})
        | ({"src_user": "peer"} if side == "dst" else {"dst_user": "peer"})
        for side, user, count in sides
    ]
    before = table_row(table, Windows(end - 2 * WINDOW, end - WINDOW), src_ip=host, src_user="zoe", repeat_count=99)
    write_table(lake, "sessions", [*rows, before])
    (alert,) = json.loads(report(lake, "--top", "1", "--json")[1])["alerts"]
    assert (alert["user"], alert["users_cnt"]) == ("ann", 3)
    assert "      used by ann and 2 more\n" in report(lake, "--top", "1")[1]


@pytest.mark.parametrize("more", [(), ("--cases",)])
def test_rows_in_all_forms(source: Path, more: tuple[str, ...]) -> None:
    whole = json.loads(report(source, "--top", "2", *more, "--json")[1])
    rows = json.loads(report(source, "--top", "2", *more, "--format", "json")[1])
    kind, who = ("cases", "source") if more else ("alerts", "host_ip")
    assert [row[who] for row in rows] == [row[who] for row in whole[kind]]
    flat = list(csv.DictReader(report(source, "--top", "2", *more, "--format", "csv")[1].splitlines()))
    assert [row["technique"] for row in flat] == [row["technique"]["name"] for row in rows]
    listed = "contacts" if more else "peers"
    assert listed not in flat[0] and rows[0][listed] is not None
    assert report(source, "--json", "--format", "csv")[0] == 2


def test_one_alert_for_each_host(source: Path) -> None:
    alerts = json.loads(report(source, "--top", "2", "--one-per-host", "--json")[1])["alerts"]
    assert [alert["host_ip"] for alert in alerts] == [host(3), host(7)]


def test_only_the_windows_asked_for(source: Path) -> None:
    alerts = json.loads(report(source, "--window", str(FIRST), "--top", "1", "--json")[1])["alerts"]
    assert alerts[0]["anomaly_score"] == 0.999


def publish(lake: Path) -> None:
    """Names the baselines of the tests as those that hold."""
    partition = {"feature_spec_version": "v1", "baseline_horizon": "7d", "baseline_month": "2026-03"}
    write_table(lake, "fg_b/publications", [{**partition, "publication_id": "p1"}])


def test_reasons_show_the_value_against_the_hosts_baseline(lake: Path) -> None:
    publish(lake)
    write_table(
        lake,
        "fg_b/host",
        baseline(
            "fg_b/host",
            [{"host_ip": host(3)}],
            peer_ip_nunique_median=6.0,
            peer_ip_nunique_p25=4.0,
            peer_ip_nunique_p75=9.0,
        ),
    )
    _, text, _ = report(lake, "--window", str(LAST), "--top", "1")
    # two features of one family are one reason: (2.0 + 0.5) of 10
    assert "412 distinct peers in 15 min, usually 6 (4 to 9 half of the time)  (25%)" in text
    assert "scan_suspicion_score 5, median of the training data 0.2  (10%)" in text


@pytest.mark.parametrize("why", ["cold", "missing", "source"])
def test_the_segments_baseline_stands_in(lake: Path, why: str) -> None:
    publish(lake)
    hosts = [{"host_ip": host(3), "peer_ip_nunique_median": 6.0, "peer_ip_nunique_cold_start_flag": why == "cold"}]
    if why != "missing":
        write_table(lake, "fg_b/host", baseline("fg_b/host", hosts))
    if why == "source":
        write(lake, tables(SPEC)["fg_c"], rows("fg_c", LAST, 1, overrides={"baseline_source": {3: "segment"}}))
    write_table(lake, "fg_b/segment", baseline("fg_b/segment", [{}], peer_ip_nunique_median=9.0))
    _, text, _ = report(lake, "--window", str(LAST), "--top", "1")
    assert "412 distinct peers in 15 min, usually in its segment 9  (25%)" in text


def test_baselines_that_are_not_published_do_not_count(lake: Path) -> None:
    hosts = baseline("fg_b/host", [{"host_ip": host(3)}], peer_ip_nunique_median=6.0)
    write_table(lake, "fg_b/host", hosts)
    assert "usually 6" not in report(lake, "--window", str(LAST), "--top", "1")[1]
    publish(lake)
    assert "usually 6" in report(lake, "--window", str(LAST), "--top", "1")[1]


def test_without_a_baseline_nothing_is_made_up(lake: Path) -> None:
    _, text, _ = report(lake, "--window", str(LAST), "--top", "1")
    # the reason's median is that of the deviation, not of the feature family
    assert "412 distinct peers in 15 min  (25%)" in text


def test_without_features_the_reasons_are_those_of_the_prediction(lake: Path) -> None:
    shutil.rmtree(lake / "fg_a")
    _, text, _ = report(lake, "--window", str(LAST), "--top", "1")
    assert "peer_ip_nunique_w_15m_z_mad 6, median of the training data 0.1  (25%)" in text


def test_reasons_about_pairs_alone_need_no_features(lake: Path) -> None:
    reason = {"feature": "pair_sessions_24h", "value": 6.0, "baseline_median": 2.0, "contribution": 9.0}
    overrides: Overrides = {**REASONED, "top_features": dict.fromkeys(range(HOSTS), json.dumps([reason]))}
    write(lake, tables(SPEC)["predictions"], rows("predictions", LAST, 1, overrides=overrides))
    for name in ("fg_a", "fg_c"):
        for path in (lake / name).rglob("*.parquet"):
            path.unlink()
    code, text, error = report(lake, "--window", str(LAST), "--top", "1")
    assert code == 0, error
    assert "6 sessions with one peer in 24 h, up to 2 is ordinary" in text


def test_table_has_a_line_for_each_alert(source: Path) -> None:
    lines = report(source, "--top", "3")[1].splitlines()
    assert lines[0] == f"3 of {len(RANGE) * HOSTS} scored rows ({HOSTS} hosts, {RANGE}), highest first"
    assert lines[1:3] == ["learning, 1 of 9 days", ""]
    assert lines[3].split() == ["rank", "host", "window", "(UTC)", "score", "segment"]
    assert lines[4].split() == ["1", host(3), "2026-03-10", "01:53-02:08", "0.99990", "10.20.0.0/24"]


def test_values_cannot_write_to_the_terminal(lake: Path) -> None:
    hostile = "\x9b2J\u202e\x1b[31m\nrank"
    reasons = json.dumps([REASONS[1] | {"feature": hostile}])
    overrides: Overrides = {
        "anomaly_score": dict.fromkeys(range(HOSTS), 0.5) | {3: 1.0}, "raw_score": dict.fromkeys(range(HOSTS), 9.0),
        "model_id": dict.fromkeys(range(HOSTS), "m"), "model_sha256": dict.fromkeys(range(HOSTS), "0"),
        "segment_id": {3: hostile}, "top_features": dict.fromkeys(range(HOSTS), reasons),
    }  # fmt: skip
    write(lake, tables(SPEC)["predictions"], rows("predictions", LAST, 9, overrides=overrides))
    for options in ((), ("--json",), ("--cases",), ("--cases", "--json")):
        code, text, error = report(lake, "--window", str(LAST), *options)
        assert code == 0, error
        assert not set("\x9b\x1b\u202e") & set(text.replace("\x1b[1m", "").replace("\x1b[0m", ""))
        if not options:
            assert text.count("\\x9b2J\\u202e\\x1b[31m\\x0arank") == 1 + HOSTS


def test_lake_without_predictions_is_an_error(tmp_path: Path, source: Path) -> None:
    code, _, error = report(tmp_path)
    assert code == 1
    assert error.startswith("error: nothing is scored yet in ")
    for options in ([], ["--cases"]):
        code, _, error = report(source, "--window", "2026-03-12T00:08Z", *options)
        assert code == 1
        assert "has no rows in 2026-03-12T00:08Z" in error


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--top", "0"], "--top"),
        (["--window", "yesterday"], "--window"),
        (["--host", "10.1.1.1"], "need --cases"),
        (["--cases", "--host", "nobody"], "'nobody' is no IP address"),
        (["--cases", "--peer", "10.1"], "'10.1' is no IP address"),
        (["--cases", "--behaviour", "scam"], "Give one of scan, scanned, beacon"),
    ],
)
def test_usage_errors_are_code_2(source: Path, options: list[str], why: str) -> None:
    code, _, error = report(source, *options)
    assert code == 2 and why in error


def test_feature_families_are_merged_and_ordered_by_what_they_added() -> None:
    found = strongest([Reason(**entry) for entry in REASONS], SPEC)
    assert [(reason.feature, added) for reason, added in found] == [
        ("peer_ip_nunique_w_15m_z_mad", 2.5), ("scan_suspicion_score", 1.0), ("in_bytes_src_sum_w_15m_log_ratio", 0.25)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (412.0, "count", "412"), (1234567.0, "count", "1,234,567"), (0.5, "count", "0.5"), (None, "count", "unknown"),
        (999.0, "bytes", "999 B"), (1_500_000.0, "bytes", "1.5 MB"), (2.5e13, "bytes", "25 TB"),
        (0.12345, "ratio", "0.123"),
        (1234.56, "seconds", "1,234.6 s"), (2.5, "entropy", "2.5 bit"),
    ],
)  # fmt: skip
def test_values_read_as_their_kind(value: float | None, kind: str, text: str) -> None:
    assert amount(value, kind) == text


def test_only_one_reads_as_one() -> None:
    assert (score(0.999999), score(1.0), score(0.5)) == ("0.99999", "1.00000", "0.50000")
