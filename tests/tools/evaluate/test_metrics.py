from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.detection.alerts.alerting import read_alerts
from common.detection.alerts.cases import group
from common.detection.alerts.terms import ALERT_SCORE
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tools.evaluate.metrics import align, best_per_host, cases_of_attacks, clean_host_days, evaluate, ranking


def labels_of(*rows: tuple[str, str]) -> pd.DataFrame:
    """One row per (host, attack), windows one after the other."""
    starts = pd.date_range("2026-03-10T00:08Z", periods=len(rows), freq="15min")
    return pd.DataFrame({"host_ip": [r[0] for r in rows], "window_start": starts, "attack": [r[1] for r in rows]})


def test_figures_equal_those_worked_out_by_hand() -> None:
    labels = labels_of(("a", "scan"), ("a", ""), ("b", "scan"), ("b", ""), ("c", "tunnel"), ("d", ""))
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.2])
    # order: a/scan, a, b/scan, b, d, c/tunnel
    report = evaluate(labels, scores, budget=2)
    # pairs (malicious, clean) in the right order: 0.9 beats 3 clean, 0.7 beats 2, 0.1 beats none: 5 of 9
    assert report["roc_auc"] == pytest.approx(5 / 9)
    # average precision: hits at ranks 1, 3, 6, each a third of the recall
    assert report["pr_auc"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 6) / 3)
    assert report["precision_at_p"] == pytest.approx(2 / 3)  # two of the best three
    assert report["precision_at_budget"] == pytest.approx(1 / 2)
    assert report["recall_at_budget"] == pytest.approx(1 / 3)
    assert report["host_recall_at_budget"] == pytest.approx(1 / 3)  # a of a, b, c
    # one alert per host: a (0.9, malicious), b (0.7, malicious)
    assert report["precision_one_alert_per_host"] == 1.0
    assert report["host_recall_one_alert_per_host"] == pytest.approx(2 / 3)
    assert report["undefined"] == []
    assert report["attacks"] == {
        "scan": {
            "windows": 2, "hosts": 2, "recall_at_p": 1.0, "recall_at_budget": 0.5, "hosts_at_budget": 1,
            "hosts_one_alert_per_host": 2,
        },
        "tunnel": {
            "windows": 1, "hosts": 1, "recall_at_p": 0.0, "recall_at_budget": 0.0, "hosts_at_budget": 0,
            "hosts_one_alert_per_host": 0,
        },
    }  # fmt: skip


def test_a_clean_host_day_alerts_once() -> None:
    """Of three clean days one alerts, twice; the day of b with an attack is none, whatever it scores."""
    labels = labels_of(("a", ""), ("a", ""), ("b", "scan"), ("b", ""), ("c", ""))
    labels["window_start"] += pd.to_timedelta([0, 0, 0, 24, 0], unit="h")
    found = clean_host_days(labels, np.array([0.9995, 0.999, 1.0, 0.9989, 0.2]))
    assert found == {"days": 3, "alerting": 1, "alerting_per_1000": pytest.approx(1000 / 3)}


def test_cases_of_an_attack_are_those_that_alert_where_it_was_begun(tmp_path: Path) -> None:
    lake = write_alerts(tmp_path, [(0, 3, PAIR), (1, 3, PAIR), (2, 6, PAIR)])
    rows = [(host(3), 0, "scan"), (host(6), 0, "scan"), (host(6), 2, "beacon"), (host(7), 1, "")]
    labels = pd.DataFrame({
        "host_ip": [row[0] for row in rows],
        "window_start": pd.to_datetime([WHOLE[row[1]].start for row in rows], utc=True),
        "attack": [row[2] for row in rows],
    })  # fmt: skip
    cases = group(read_alerts(lake, lake.spec, None, ALERT_SCORE))
    assert cases_of_attacks(labels, cases) == {"beacon": 1, "scan": 1}


def test_a_host_whose_best_row_is_clean_is_not_caught_by_one_alert_per_host() -> None:
    labels = labels_of(("a", ""), ("a", "scan"), ("b", ""))
    report = evaluate(labels, np.array([0.9, 0.8, 0.1]), budget=2)
    assert report["host_recall_at_budget"] == 1.0
    assert report["host_recall_one_alert_per_host"] == 0.0
    assert report["precision_one_alert_per_host"] == 0.0


def test_ties_are_broken_at_random_but_repeatably() -> None:
    drawn = np.random.default_rng(0).random(4)  # the documented tie-breaker: smaller first
    assert ranking(np.zeros(4)).tolist() == np.argsort(drawn).tolist()
    assert ranking(np.array([0.0, 1.0, 0.0, 0.0]))[0] == 1


def test_best_row_of_each_host_in_order_of_their_scores() -> None:
    hosts = np.array(["a", "b", "a", "b", "c"], dtype=object)
    order = np.array([3, 2, 0, 1, 4])
    assert best_per_host(order, hosts).tolist() == [3, 2, 4]


@pytest.mark.parametrize(
    ("attacks", "undefined"),
    [
        (("", ""), ["roc_auc", "pr_auc", "precision_at_p", "recall_at_budget", "host_recall_at_budget",
                    "host_recall_one_alert_per_host"]),
        (("scan", "scan"), ["roc_auc"]),
    ],
)  # fmt: skip
def test_one_class_leaves_figures_undefined(attacks: tuple[str, ...], undefined: list[str]) -> None:
    report = evaluate(labels_of(*(("a", attack) for attack in attacks)), np.array([0.2, 0.1]), budget=20)
    assert report["undefined"] == undefined
    assert report["precision_at_budget"] == (1.0 if attacks[0] else 0.0)


def test_rows_without_prediction_come_last_and_the_best_of_several_counts() -> None:
    labels = labels_of(("a", ""), ("b", ""), ("c", ""))
    first, second, third = labels["window_start"]
    predictions = pd.DataFrame(
        [("b", second, -2.0), ("c", third, -5.0), ("c", third, -3.0), ("z", first, 1.0)],
        columns=["host_ip", "window_start", "anomaly_score"],
    )
    found = align(labels, predictions)
    assert found.scores.tolist() == [-4.0, -2.0, -3.0]  # lowest is c's best, -3; a has one less
    assert (found.without_prediction, found.without_label) == (1, 1)
