from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from common.arrays import Floats
from common.detection.pairs.coded_columns import Coded
from common.detection.pairs.evidence import KINDS
from common.detection.pairs.prior_maxima import Cells, KnownPairs, PriorMaxima, begins_of
from common.detection.parameters import current_parameters
from common.errors import ModelError

PARAMETERS = current_parameters().pairs


def coded(texts: Sequence[str]) -> Coded:
    """Texts of up to 8 characters as codes."""
    return Coded.of(np.array([int.from_bytes(text.encode()) for text in texts]))


def fit(rows: Sequence[tuple[str, str, int, float]]) -> tuple[PriorMaxima, Floats]:
    """Maxima of one kind from rows of group, host, day and value, and those of the rows without their own days."""
    group, host, day, value = zip(*rows, strict=True)
    kind = np.zeros(len(rows), dtype=np.int64)
    values = np.array(value, dtype=float)
    cells = Cells.of(coded(group), coded(host), np.array(day), kind)
    floors = np.array([np.quantile(values, PARAMETERS.floor_quantile)])
    maxima, others = PriorMaxima.fit(KnownPairs.of([cells.pairs]), cells.best_days(values)[0], floors, PARAMETERS)
    known = np.maximum(cells.without_own_day(values), cells.of_pairs(others))
    return maxima, np.maximum(known, floors[kind])


def of(maxima: PriorMaxima, group: str, host: str) -> float:
    return float(maxima.of(maxima.places(coded([group]), coded([host])), np.zeros(1, dtype=np.int64))[0])


LOW = [("other", f"h{n}", 0, 0.0) for n in range(60)]  # keeps the floor, the 90 % quantile, at 0


def test_own_days_and_the_second_of_the_others_count() -> None:
    maxima, _ = fit([("g", "a", 0, 5.0), ("g", "a", 1, 2.0), ("g", "b", 0, 9.0), ("g", "c", 0, 4.0), *LOW])
    assert of(maxima, "g", "a") == 5  # own; the second of b and c is 4
    assert of(maxima, "g", "c") == 5  # the second of a (5) and b (9)
    assert of(maxima, "g", "b") == 9  # own
    assert of(maxima, "g", "new") == 5  # the second of 5, 9 and 4


def test_a_single_other_host_counts_itself() -> None:
    maxima, _ = fit([("g", "a", 0, 5.0), *LOW])
    assert of(maxima, "g", "b") == 5


def test_unknown_groups_have_the_floor() -> None:
    maxima, _ = fit([("g", "a", 0, float(n)) for n in range(11)])
    assert maxima.floors.tolist() == [9.0]  # the 90 % quantile of 0 to 10
    assert of(maxima, "unknown", "a") == 9


def test_a_rows_own_day_does_not_excuse_it() -> None:
    _, left_out = fit([("g", "a", 0, 5.0), ("g", "a", 0, 3.0), ("g", "a", 1, 2.0), *LOW])
    assert left_out[:3].tolist() == [2, 2, 5]


def test_a_host_alone_on_one_day_has_the_floor() -> None:
    _, left_out = fit([("g", "a", 0, 5.0), *LOW])
    assert left_out[0] == 0


def test_saved_maxima_are_the_same() -> None:
    rng = np.random.default_rng(0)
    rows = [(f"g{rng.integers(9)}", f"h{rng.integers(5)}", int(rng.integers(4)), rng.random()) for _ in range(300)]
    maxima, _ = fit(rows)
    maxima = replace(maxima, floors=np.repeat(maxima.floors, len(KINDS)))
    begins = begins_of(maxima.counts)
    again = PriorMaxima.from_arrays(maxima.arrays("name"), "name", maxima.groups, maxima.hosts, begins)
    for group in ("g1", "g5", "none"):
        for host in ("h0", "h4", "new"):
            assert of(again, group, host) == of(maxima, group, host)


def test_leaders_that_rise_within_a_group_are_damaged() -> None:
    maxima, _ = fit([("f", "a", 0, 1.0), ("g", "a", 0, 5.0), ("g", "b", 0, 9.0), *LOW])
    maxima = replace(maxima, floors=np.repeat(maxima.floors, len(KINDS)))
    begins = begins_of(maxima.counts)
    PriorMaxima.from_arrays(maxima.arrays("name"), "name", maxima.groups, maxima.hosts, begins)  # 1 of f, then 9 of g
    first, second = begins[np.flatnonzero(maxima.counts == 2)[0]] + [0, 1]
    leaders = maxima.leaders.copy()
    leaders[[first, second]] = leaders[[second, first]]
    arrays = replace(maxima, leaders=leaders).arrays("name")
    with pytest.raises(ModelError, match="name"):
        PriorMaxima.from_arrays(arrays, "name", maxima.groups, maxima.hosts, begins)
