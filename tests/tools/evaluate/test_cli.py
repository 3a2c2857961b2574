from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.lakes import write_table
from tools.evaluate.cli import main

START = datetime(2026, 3, 10, 0, 8, tzinfo=UTC)
LABELS = """host_ip,extra,window_start,attack,total_flows
10.1.0.1,x,2026-03-09T23:53:00Z,,4
10.1.0.1,x,2026-03-10T00:08:00Z,,4
10.1.0.2,x,2026-03-10T00:08:00Z,scan,9
10.1.0.1,x,2026-03-10T00:23:00Z,,4
10.1.0.2,x,2026-03-10T00:23:00Z,,4
10.1.0.2,x,2026-03-10T00:38:00Z,,4
"""
PREDICTIONS = """host_ip,window_start,anomaly_score
10.1.0.1,2026-03-10T00:08:00Z,0.1
10.1.0.2,2026-03-10T00:08:00Z,0.9
10.1.0.1,2026-03-10T00:23:00Z,0.2
10.9.9.9,2026-03-10T00:23:00Z,0.7
"""


def call(tmp_path: Path, *arguments: str, labels: str = LABELS, predictions: str | None = PREDICTIONS) -> Result:
    (tmp_path / "labels.csv").write_text(labels)
    arguments = ("--labels", str(tmp_path / "labels.csv"), *arguments)
    if predictions is not None:
        (tmp_path / "p.csv").write_text(predictions)
        arguments = (*arguments, "--predictions", str(tmp_path / "p.csv"))
    return CliRunner().invoke(main, list(arguments))


def report_of(tmp_path: Path, *arguments: str, **texts: str) -> dict[str, object]:
    result = call(tmp_path, "--figures-out", str(tmp_path / "r.json"), *arguments, **texts)
    assert result.exit_code == 0, result.output
    report: dict[str, object] = json.loads((tmp_path / "r.json").read_text())
    return report


def test_scores_the_windows_with_predictions(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    assert (report["since"], report["until"]) == ("2026-03-10T00:08:00Z", "2026-03-10T00:38:00Z")
    assert (report["rows"], report["rows_without_prediction"]) == (4, 1)  # 10.1.0.2 at 00:23
    assert (report["predictions_outside_the_rows"], report["label_rows_outside_the_period"]) == (1, 2)
    assert report["roc_auc"] == 1.0


def test_each_attack_is_a_row(tmp_path: Path) -> None:
    result = call(tmp_path, "--format", "ndjson")
    rows = {row.pop("attack"): row for row in map(json.loads, result.stdout.splitlines())}
    assert rows == report_of(tmp_path)["attacks"] and rows


def test_attacks_and_hosts_cannot_write_to_the_terminal_or_a_spreadsheet(tmp_path: Path) -> None:
    labels = LABELS.replace("scan", "sc\x9ban\u202e")
    predictions = PREDICTIONS.replace("10.9.9.9", '"=HYPERLINK(1)"')
    result = call(tmp_path, "--predictions-out", str(tmp_path / "o.csv"), labels=labels, predictions=predictions)
    assert "sc\\x9ban\\u202e" in result.output and "\x9b" not in result.output
    assert "'=HYPERLINK(1),2026" in (tmp_path / "o.csv").read_text()


def test_since_reaches_to_the_last_label(tmp_path: Path) -> None:
    report = report_of(tmp_path, "--since", "2026-03-10T00:23Z")
    assert (report["until"], report["rows"], report["rows_without_prediction"]) == ("2026-03-10T00:53:00Z", 3, 2)
    assert report["roc_auc"] is None  # nothing malicious after 00:23


def test_a_window_without_any_prediction_counts(tmp_path: Path) -> None:
    only = "host_ip,window_start,anomaly_score\n10.1.0.1,2026-03-10T00:08:00Z,1\n10.1.0.2,2026-03-10T00:38:00Z,0\n"
    assert report_of(tmp_path, predictions=only)["rows_without_prediction"] == 3


def test_table_names_undefined_figures(tmp_path: Path) -> None:
    result = call(tmp_path, labels=LABELS.replace("scan", ""))
    assert result.exit_code == 0
    assert "Undefined because no row is malicious: roc_auc, pr_auc" in result.output


def test_reads_the_lake_and_writes_its_predictions(tmp_path: Path) -> None:
    later = START + timedelta(minutes=15)
    scores = [("10.1.0.2", START, 0.9), ("10.1.0.1", START, 0.1), ("10.1.0.1", later, 0.2)]
    columns = ("host_ip", "window_start_ts", "anomaly_score")
    given = {"date": "2026-03-10", "window": "20260310T0008Z"}
    write_table(tmp_path / "lake", "predictions", [dict(zip(columns, row, strict=True)) | given for row in scores])
    out = tmp_path / "out.csv"
    result = call(tmp_path, "--lake", str(tmp_path / "lake"), "--predictions-out", str(out), predictions=None)
    assert result.exit_code == 0, result.output
    assert out.read_text() == (
        "host_ip,window_start,anomaly_score\n10.1.0.1,2026-03-10T00:08:00Z,0.1\n"
        "10.1.0.2,2026-03-10T00:08:00Z,0.9\n10.1.0.1,2026-03-10T00:23:00Z,0.2\n"
    )
    assert "ROC-AUC" in result.output


FLOWS = """StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label
2026/03/10 01:10:00.0,1,tcp,10.1.0.2,1,   ->,10.9.9.9,80,SF,0,0,9,900,600,flow=From-Botnet-V1-TCP
2026/03/10 01:25:00.0,1,tcp,10.1.0.1,1,   ->,10.9.9.9,80,SF,0,0,9,900,600,flow=Background-TCP
2026/03/10 01:26:00.0,1,tcp,10.1.0.3,1,   ->,10.9.9.9,80,SF,0,0,9,900,600,flow=From-Botnet-V1-TCP
"""


def test_flows_of_a_data_set_are_compared_with_all_predictions_of_their_time(tmp_path: Path) -> None:
    """The bots' windows are malicious, of which one has no prediction; 10.9.9.9, a target, counts neither way."""
    given = ("--labels-format", "ctu13", "--labels-time-zone", "+01:00")
    report = report_of(tmp_path, *given, labels=FLOWS)
    assert (report["rows"], report["positives"], report["rows_without_prediction"]) == (4, 2, 1)
    assert report["rows_of_targets"] == 2  # at 00:08 too, where it has no prediction
    assert report["attackers_without_predictions"] == ["10.1.0.3"]
    assert report["labels"] == {"files": 1, "rows": 3, "empty": 0, "broken": 0, "other": {}}
    assert report["clean_host_days"] == {"days": 1, "alerting": 0, "alerting_per_1000": 0.0}
    printed = call(tmp_path, "--json", *given, labels=FLOWS)
    assert json.loads(printed.stdout) == report
    text = call(tmp_path, *given, labels=FLOWS).stdout
    assert "1 attacker without any prediction, not found therefore: 10.1.0.3" in text
    assert "1 file of labels, 3 rows" in text


def test_a_host_that_is_a_target_alone_counts_neither_way(tmp_path: Path) -> None:
    labels = LABELS.replace("2026-03-10T00:08:00Z,,4", "2026-03-10T00:08:00Z,scan:target,4")
    report = report_of(tmp_path, labels=labels.replace(",scan,", ",scan+beacon:target,"))
    assert (report["rows"], report["positives"], report["rows_of_targets"]) == (3, 1, 1)
    assert [*report["attacks"]] == ["scan"]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"labels": "host_ip,window_start\na,2026-03-10T00:08:00Z\n"}, "lacks the columns attack"),
        (
            {"labels": LABELS.replace("2026-03-09T23:53", "2026-13-09T23:53")},
            "line 2: window_start is not an ISO 8601 time",
        ),
        ({"labels": LABELS.replace("2026-03-09T23:53", "2026-03-09T23:50")}, "is not at minute 08, 23, 38 or 53"),
        ({"labels": LABELS + "10.1.0.2,x,2026-03-10T00:38:00Z,,4\n"}, "line 8: host and window repeat an earlier line"),
        ({"labels": "host_ip,window_start,attack\n"}, "has no rows"),
        ({"labels": ""}, "cannot be read"),
        ({"predictions": PREDICTIONS.replace("0.9", "high")}, "line 3: anomaly_score is not a finite number ('high')"),
        ({"predictions": PREDICTIONS.replace("0.9", "inf")}, "line 3: anomaly_score is not a finite number ('inf')"),
        ({"predictions": PREDICTIONS.replace("2026-03-10", "2027-03-10")}, "no window has both labels"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, texts: dict[str, str], message: str) -> None:
    result = call(tmp_path, **texts)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--labels", str(tmp_path / "no.csv"), "--predictions", "p.csv"])
    assert result.exit_code == 1
    assert "no.csv does not exist" in result.stderr
    assert "Give either --lake or --predictions" in call(tmp_path, predictions=None).stderr
    assert "table predictions does not exist" in call(tmp_path, "--lake", str(tmp_path), predictions=None).stderr
    assert call(tmp_path, "--labels", "more.csv").stderr.startswith("error: labels of hosts and windows are one file")
    assert call(tmp_path, "--json", "--format", "csv").exit_code == 2
    assert call(tmp_path, "--since", "yesterday").exit_code == 2
    assert call(tmp_path, "--budget", "0").exit_code == 1
