import base64
import gzip
import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.contracts import tables
from common.detection.alerts.terms import UNUSUAL
from common.lake.reader import LakeReader
from common.windows import Windows, iso
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import NO_ALERTS, PAIR, WHOLE, within, write_alerts
from tests.common.detection.model_lake import Overrides, host, make_lake, rows, write
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.tools.page.findings import BAD, QUIET, STRANGER, findings_lake
from tests.tools.page.hostile import ARABIC, IMAGE, LONG, SCRIPT, graph_lake, hostile_lake, related_lake
from tools.feedback.cli import main as feedback
from tools.page.cli import main
from tools.page.content import HOSTS_DRAWN
from tools.page.document import document
from tools.page.series import IDLE, SCALE, score_matrix
from tools.report.cli import main as report


def page(lake: Path, *options: str) -> str:
    out = lake.parent / f"{lake.name}.html"
    code, said, error = call(main, "--lake", str(lake), "--out", str(out), *options)
    assert code == 0, error
    assert said.startswith(str(out))
    return out.read_text(encoding="utf-8")


def data(text: str) -> dict[str, Any]:
    (packed,) = re.findall(r'<script type="application/json" id="data">([^<]*)</script>', text)
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return found


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_lake(tmp_path_factory.mktemp("page") / "lake")


@pytest.fixture(scope="module")
def text(lake: Path) -> str:
    return page(lake)


@pytest.mark.slow
def test_the_same_lake_gives_the_same_bytes(lake: Path, text: str) -> None:
    assert page(lake) == text


def test_only_its_own_scripts_and_styles_run_and_nothing_is_loaded(text: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert (
        policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy and "http" not in policy
    )
    bodies = re.findall(r"<script>(.*?)</script>", text, re.DOTALL) + re.findall(
        r"<style>(.*?)</style>", text, re.DOTALL
    )
    for body in bodies:
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.findall(r'\b(?:src|href)="(?!#)', text)
    assert not re.findall(r'\son\w+="|\sstyle="', text)


def test_names_from_logs_are_texts(text: str) -> None:
    shown = text[: text.index('<script type="application/json"')]
    for name in (SCRIPT, IMAGE):
        assert name not in shown
    assert "&lt;script&gt;" in shown and ARABIC in shown and LONG not in shown and "x" * 159 + "…" in shown


def test_it_has_what_the_report_has(lake: Path, text: str) -> None:
    listed = json.loads(call(report, "--lake", str(lake), "--cases", "--json")[1])["cases"]
    held = data(text)["cases"]
    assert [{name: case[name] for name in listed[0]} for case in held] == listed
    assert [case["names"][case["source"]] for case in held if case["source"] == host(3)] == [SCRIPT]
    rule = held[0]["sessions"]["columns"].index("rule")
    assert {case["sessions"]["rows"][0][rule] for case in held} == {SCRIPT, IMAGE, ARABIC, LONG}
    assert all(case["filter"].startswith(f"( addr.src in {case['source']} )") for case in held)


def test_related_cases_and_triage(tmp_path: Path) -> None:
    lake = related_lake(tmp_path / "lake")
    first, second = data(page(lake))["cases"]
    assert (first["related"], second["related"]) == ([second["case_id"]], [first["case_id"]])
    change = ("--case", first["case_id"], "--status", "expected", "--note", "a test", "--by", "ann")
    assert call(feedback, "--lake", str(lake), *change)[0] == 0
    text = page(lake)
    assert "1 case, 1 hidden by triage" in text and "hidden as expected by ann: a test<" in text
    hidden = data(text)["cases"][1]
    assert (hidden["case_id"], hidden["rule"]["by"], hidden["history"][0]["note"]) == (
        first["case_id"],
        "ann",
        "a test",
    )


def test_cases_of_days_before_are_related_and_told_apart(tmp_path: Path) -> None:
    """The page of the second hour names the case of the first, of which it has no view, and how it stands."""
    lake = tmp_path / "lake"
    other = PAIR | {"peer_ip": "203.0.113.77", "new": []}
    write_alerts(lake, [(0, 5, other), (7, 3, PAIR), (7, 5, within(3, 445, inbound=True))])
    (before, _) = sorted(
        json.loads(call(report, "--lake", str(lake), "--cases", "--json")[1])["cases"], key=lambda case: case["start"]
    )
    told = ("--case", before["case_id"], "--status", "true", "--note", "4711", "--by", "ann")
    assert call(feedback, "--lake", str(lake), *told)[0] == 0
    held = data(page(lake, "--window", f"{iso(WHOLE[4].start)}/{iso(WHOLE[7].end)}"))
    (case,) = held["cases"]
    assert case["related"] == [before["case_id"]]
    assert held["earlier"] == [
        {"case_id": before["case_id"], "source": host(5), "technique": before["technique"]["name"], "hosts": [host(5)],
         "segment_id": before["segment_id"], "start": before["start"], "status": "true"}
    ]  # fmt: skip


def test_names_of_the_inventory_are_there_for_all_that_is_shown(tmp_path: Path) -> None:
    held = data(page(graph_lake(tmp_path / "lake")))
    assert {name: held["names"][name] for name in (host(3), host(5))} == {host(3): LONG, host(5): SCRIPT}
    assert held["named_before"] == {}
    (case,) = held["cases"]
    assert [edge["sessions"] for edge in case["graph"]["edges"]] == [30, 5]


def test_the_training_range_stands_beside_the_model(text: str) -> None:
    shown = data(text)
    assert '<span class="words">model if-1</span>' in text
    shown["models"] = [{"run_id": "if-1", "training_window": "2026-03-01T00:08Z/2026-03-08T00:08Z"}]
    assert "model if-1, trained on 2026-03-01T00:08Z to 2026-03-08T00:08Z<" in document(shown)


def test_why_records_were_rejected_stands_before_the_cases(text: str) -> None:
    shown = data(text)
    assert "0 records rejected<" in text
    reasons = [("no end", 1200), (SCRIPT, 3), ("rare", 1)]
    shown["health"]["rejects"] = [{"reason": reason, "count": count} for reason, count in reasons]
    assert "1,204 records rejected: no end (1,200); &lt;script&gt;" in document(shown)


def test_a_day_without_cases(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    write_alerts(tmp_path / "lake", [])
    text = page(tmp_path / "lake")
    assert "0 cases" in text and "No host alerted in" in text
    assert data(text)["cases"] == []


@pytest.mark.slow
def test_what_limits_the_scores_is_said_before_the_cases(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake")
    write_alerts(lake, [])
    assert "unusual" not in page(lake) and "learning, 1 of 9 days" in page(lake)
    note: Overrides = {"score_note": {3: f"learning, 1 of 9 days; {UNUSUAL}: score lowered by 1.20"}}
    write(lake, tables(SPEC)["predictions"], rows("predictions", WHOLE[1], 1, overrides={**NO_ALERTS, **note}))
    assert "the whole network is unusual in 1 window<" in page(lake)


def test_how_late_scores_came_is_said_but_of_backfills(tmp_path: Path) -> None:
    lake = write_alerts(tmp_path, [])
    assert "after its end" not in page(tmp_path)
    status = lake.table("window_status")
    late = [timedelta(minutes=4), timedelta(days=5), timedelta(minutes=9, seconds=20), timedelta(minutes=6)]
    rows_of = [
        table_row(status, window, stage=stage, is_finished=True, written_ts=window.end + after / share)
        for window, after in zip(WHOLE, late, strict=False)
        for stage, share in (("inference", 1), ("delta", 4), ("fg_a", 2))
    ]
    write_table(tmp_path, "window_status", rows_of)
    text = page(tmp_path)
    assert data(text)["health"]["minutes_late"] == {
        "delta": {"median": 1.5, "p95": 2.2, "most": 2.3, "last": 1.5},
        "inference": {"median": 6.0, "p95": 9.0, "most": 9.3, "last": 6.0, "took": 3.0, "took_p95": 4.5},
        "fg_a": {"median": 3.0, "p95": 4.5, "most": 4.7, "last": 3.0, "took": 1.5, "took_p95": 2.2},
    }
    assert "6 min after its end" in text


def test_a_lake_without_scores_is_an_error(tmp_path: Path) -> None:
    code, _, error = call(main, "--lake", str(tmp_path), "--out", str(tmp_path / "page.html"))
    assert code == 1 and "nothing is scored yet" in error
    assert not (tmp_path / "page.html").exists()


def test_scores_of_hosts_and_windows() -> None:
    windows = Windows(WHOLE[0].start, WHOLE[2].end)
    rows = [("a", 0.9, 0), ("b", 0.99995, 2), ("a", 0.0, 1), ("c", 1.0, 0)]
    scores = pa.table({
        "host_ip": [host for host, _, _ in rows],
        "anomaly_score": [score for _, score, _ in rows],
        "window_start_ts": pa.array([WHOLE[at].start for _, _, at in rows], pa.timestamp("us", "UTC")),
    })  # fmt: skip
    hosts, matrix = score_matrix(scores, windows)
    assert hosts == ["c", "b", "a"]
    assert matrix.tolist() == [[250, IDLE, IDLE], [IDLE, IDLE, round(4.3 * SCALE)], [SCALE, 0, IDLE]]


@pytest.mark.parametrize("options", [["--top", "0"], ["--sessions", "-1"], ["--window", "x"]])
def test_usage_errors_are_code_2(lake: Path, options: list[str]) -> None:
    assert call(main, "--lake", str(lake), "--out", "x.html", *options)[0] == 2


def test_findings_besides_cases_are_as_in_the_report(tmp_path: Path) -> None:
    lake = findings_lake(tmp_path / "lake")
    text = page(lake)
    held, listed = data(text), json.loads(call(report, "--lake", str(lake), "--cases", "--json")[1])
    assert held["met"] == listed["met_indicators"] and held["strangers"] == listed["not_in_inventory"]
    assert [(one["host_ip"], one["peer_ip"]) for one in held["met"]] == [(QUIET, BAD)]
    assert [one["host_ip"] for one in held["strangers"]] == [STRANGER]
    assert [case["criticality"] for case in held["cases"]] == [
        None,
        "critical",
    ]  # the one that met an indicator is first
    assert [case["case_id"] for case in held["cases"]] == [case["case_id"] for case in listed["cases"]]
    (met,) = held["cases"][0]["indicators"]
    assert met["peer_ip"] == BAD and met["indicators"][0]["source"] == "feodo"
    assert "1 address in no inventory" in text and "1 contact with indicators" in text and SCRIPT not in text
    words = call(report, "--lake", str(lake), "--cases")[1]
    assert f"met an indicator: {BAD} is in feodo since 2026-02-01" in words
    assert "1 host met an indicator without a case" in words and "1 address in no inventory" in words
    assert "criticality critical, role domain controller, owner ops" in words


def test_alerts_are_read_once_and_the_sessions_of_a_window_once(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, tuple[str, ...], Windows | None]] = []
    arrow = LakeReader.arrow

    def noted(
        self: LakeReader, name: str, columns: Any = None, windows: Windows | None = None, **more: Any
    ) -> pa.Table:
        read.append((name, tuple(columns or ()), windows))
        return arrow(self, name, columns, windows, **more)

    monkeypatch.setattr(LakeReader, "arrow", noted)
    assert len(data(page(lake))["cases"]) == 4
    assert len([columns for name, columns, _ in read if name == "predictions" and "top_features" in columns]) == 1
    shown = [windows for name, columns, windows in read if name == "sessions" and "rule" in columns]
    assert len(shown) == len({str(windows) for windows in shown}) == 4


@pytest.mark.slow
def test_a_day_of_5000_hosts_fits_into_5_megabytes(text: str) -> None:
    """Scores that no packing makes smaller, of a day and of 30, and 100 cases with as many sessions as are shown."""
    shown, rng = data(text), np.random.default_rng(1)
    shown["hosts"] = [f"10.{number // 250}.{number % 250}.7" for number in range(5000)]
    shown["scores"] = base64.b64encode(rng.integers(0, 256, 5000 * 96, dtype=np.uint8).tobytes()).decode()
    month = rng.integers(0, 256, HOSTS_DRAWN * 30 * 96, dtype=np.uint8).tobytes()
    shown["longer"] = {"start": "2026-02-08T00:08Z", "windows": 30 * 96, "scores": base64.b64encode(month).decode()}
    shown["longer"]["hosts"] = shown["hosts"][:HOSTS_DRAWN]
    case = shown["cases"][0]
    row = case["sessions"]["rows"][0]

    def sessions(number: int) -> dict[str, Any]:
        rows = [[*row[:-2], f"{number}-{place}-{rng.integers(1 << 40)}", place] for place in range(200)]
        return {"columns": case["sessions"]["columns"], "rows": rows, "count": len(rows)}

    shown["cases"] = [case | {"case_id": f"{number:012}", "sessions": sessions(number)} for number in range(100)]
    assert len(document(shown).encode()) < 5_000_000
