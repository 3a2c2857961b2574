"""A pair goes one way through inference, and the figures of that way are right."""

from __future__ import annotations

from pathlib import Path

from bench.structure import functions_entered, run_pairs, way


def test_stays_are_runs_of_functions_of_one_module() -> None:
    entered = [("a.py", "f"), ("a.py", "g"), ("b.py", "f"), ("a.py", "h")]
    assert way(entered) == {"functions": 4, "modules": 2, "stays": 3, "order": ["a.py", "b.py", "a.py"]}


def test_a_pair_makes_at_most_113_stays(tmp_path: Path) -> None:
    found = way(functions_entered(run_pairs(tmp_path)))
    assert {"common/lake/reader.py", "common/detection/calibration.py"} <= set(found["order"])
    assert found["stays"] <= 113
