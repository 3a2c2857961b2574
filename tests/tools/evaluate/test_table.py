"""The figures as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tools.evaluate.metrics import evaluate
from tools.evaluate.table import as_table


def test_each_figure_says_what_it_counts_and_what_it_can_be() -> None:
    """Two of four rows are malicious, one on each of two hosts; the one alert is one of them."""
    labels = pd.DataFrame({"host_ip": ["a", "a", "b", "c"], "attack": ["scan", "", "scan", ""]})
    period = {"since": "2026-03-10T00:08:00Z", "until": "2026-03-10T00:38:00Z", "windows": 2}
    ignored: dict[str, Any] = {
        "rows_without_prediction": 0,
        "predictions_outside_the_rows": 0,
        "label_rows_outside_the_period": 0,
    }
    ignored |= {"rows_of_targets": 0, "attackers_without_predictions": [], "labels": None}
    ignored["clean_host_days"] = {"days": 1, "alerting": 0, "alerting_per_1000": 0.0}
    lines = as_table(evaluate(labels, np.array([0.9, 0.1, 0.8, 0.2]), 1) | period | ignored).splitlines()
    assert [" ".join(line.split()) for line in lines[3:8]] == [
        "ROC-AUC 1.000 how often a malicious row scores above another; of random scores 0.5",
        "PR-AUC 1.000 mean precision over all recalls; of random scores 0.500",
        "precision at 2 1.000 malicious among the 2 highest rows, as many as are malicious",
        "precision at 1 alerts 1.000 malicious among the 1 highest rows",
        "window recall at 1 alerts 0.500 malicious rows that these are; at most 0.500",
    ]
