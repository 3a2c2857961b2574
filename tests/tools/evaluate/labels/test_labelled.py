"""Label rows of predictions: attacks, clean ones, and those that count neither way."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tools.evaluate.labels.labelled import Collected, label_rows, window_starts

NOON = 1_773_144_480.0  # 2026-03-10T12:08Z


def predictions(*rows: tuple[str, int]) -> pd.DataFrame:
    return pd.DataFrame({
        "host_ip": [host for host, _ in rows],
        "window_start": window_starts(np.array([NOON + 900 * place for _, place in rows])),
    })  # fmt: skip


def test_a_window_begins_at_minute_08() -> None:
    found = window_starts(np.array([NOON - 1, NOON, NOON + 899.9]))
    assert [f"{moment:%H:%M}" for moment in found] == ["11:53", "12:08", "12:08"]


def test_targets_are_left_out_unless_they_attack_too() -> None:
    collected = Collected()
    collected.attack(["a", "b", "a"], np.array([NOON, NOON, NOON + 5]), ["scan", "beacon", "worm"])
    collected.spare(["c", "b"], np.array([NOON, NOON]))
    rows = label_rows(collected.labelled(), predictions(("a", 0), ("a", 1), ("b", 0), ("c", 0), ("c", 1)))
    assert [(row.host_ip, f"{row.window_start:%H:%M}", row.attack) for row in rows.itertuples()] == [
        ("a", "12:08", "scan+worm"),
        ("b", "12:08", "beacon"),
        ("a", "12:23", ""),
        ("c", "12:23", ""),
    ]


def test_an_attack_without_a_prediction_is_a_row() -> None:
    collected = Collected()
    collected.attack(["z"], np.array([NOON]), ["scan"])
    rows = label_rows(collected.labelled(), predictions(("a", 0)))
    assert rows[["host_ip", "attack"]].to_numpy().tolist() == [["a", ""], ["z", "scan"]]
