from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from common.detection.pairs.prior_maxima import Ceiling, company_ceiling
from tests.types import Numbers

NONE = np.zeros(0, dtype=np.int64)


def fit(rows: Sequence[tuple[str, str, int, float]]) -> tuple[Ceiling, Numbers]:
    """A ceiling of one class from rows of group, host, day and value, with the honest ceilings of the rows."""
    group, host, day, value = zip(*rows, strict=True)
    kind = np.zeros(len(rows), dtype=np.int64)
    return Ceiling.fit(pa.array(group), pa.array(host), np.array(day), kind, 1, np.array(value, dtype=float))


def of(ceiling: Ceiling, group: str, host: str) -> float:
    return float(ceiling.of(pa.array([group]), pa.array([host]), np.zeros(1, dtype=np.int64))[0])


LOW = [("other", f"h{n}", 0, 0.0) for n in range(60)]  # keeps the floor, the 90 % quantile, at 0


def test_own_days_and_the_second_of_the_others_count() -> None:
    ceiling, _ = fit([("g", "a", 0, 5.0), ("g", "a", 1, 2.0), ("g", "b", 0, 9.0), ("g", "c", 0, 4.0), *LOW])
    assert of(ceiling, "g", "a") == 5  # own; the second of b and c is 4
    assert of(ceiling, "g", "c") == 5  # the second of a (5) and b (9)
    assert of(ceiling, "g", "b") == 9  # own
    assert of(ceiling, "g", "new") == 5  # the second of 5, 9 and 4


def test_a_single_other_host_counts_itself() -> None:
    ceiling, _ = fit([("g", "a", 0, 5.0), *LOW])
    assert of(ceiling, "g", "b") == 5


def test_unknown_groups_have_the_floor() -> None:
    ceiling, _ = fit([("g", "a", 0, float(n)) for n in range(11)])
    assert ceiling.floors.tolist() == [9.0]  # the 90 % quantile of 0 to 10
    assert of(ceiling, "unknown", "a") == 9


def test_a_rows_own_day_does_not_excuse_it() -> None:
    _, honest = fit([("g", "a", 0, 5.0), ("g", "a", 0, 3.0), ("g", "a", 1, 2.0), *LOW])
    assert honest[:3].tolist() == [2, 2, 5]


def test_a_host_alone_on_one_day_has_the_floor() -> None:
    _, honest = fit([("g", "a", 0, 5.0), *LOW])
    assert honest[0] == 0


def test_saved_ceilings_are_the_same() -> None:
    rng = np.random.default_rng(0)
    rows = [(f"g{rng.integers(9)}", f"h{rng.integers(5)}", int(rng.integers(4)), rng.random()) for _ in range(300)]
    ceiling, _ = fit(rows)
    again = Ceiling.from_tables(ceiling.tables())
    for group in ("g1", "g5", "none"):
        for host in ("h0", "h4", "new"):
            assert of(again, group, host) == of(ceiling, group, host)


def test_company_counts_from_the_quorum_on() -> None:
    group, host = np.array([1, 1, 1, 2]), np.array([0, 1, 2, 0])
    values = np.array([7.0, 5.0, 3.0, 1.0])
    # without the own host: second of (5, 3), of (7, 3), of (7, 5)
    assert company_ceiling(group, host, values, 3).tolist() == [3, 3, 5, -np.inf]
    assert np.isneginf(company_ceiling(group, host, values, 4)).all()
    assert not len(company_ceiling(NONE, NONE, np.zeros(0), 3))
