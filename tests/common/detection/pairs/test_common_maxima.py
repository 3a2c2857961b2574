from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from common.arrays import Floats, Integers
from common.detection.pairs.coded_columns import Coded
from common.detection.pairs.common_maxima import CommonMaxima, Presence
from common.detection.pairs.evidence import Evidence
from common.detection.parameters import current_parameters

PARAMETERS = current_parameters().pairs
NAME = "amount"


def evidence(group: Integers, host: Integers, values: Floats, window: Integers | None = None) -> Evidence:
    """Rows of one kind, and of one window unless there are others."""
    none = np.zeros(len(group), dtype=np.int64)
    window = none if window is None else window
    common = habit = none > 0
    groups, hosts = Coded.of(group), Coded.of(host)
    return Evidence(pa.table({}), none, groups, {}, {NAME: values}, common, hosts, window, none, None, habit)


def common(group: Integers, host: Integers, values: Floats, quorum: int) -> list[float]:
    """The common maxima of the rows, with this quorum of hosts."""
    rows = evidence(group, host, values)
    return list(CommonMaxima.of(rows, replace(PARAMETERS, quorum_hosts=quorum)).maxima(rows)[NAME])


def test_common_maxima_count_from_the_quorum_on() -> None:
    group, host = np.array([1, 1, 1, 2]), np.array([0, 1, 2, 0])
    values = np.array([7.0, 5.0, 3.0, 1.0])
    # without the own host: second of (5, 3), of (7, 3), of (7, 5)
    assert common(group, host, values, 3) == [3, 3, 5, -np.inf]
    assert common(group, host, values, 4) == [-np.inf] * 4
    nothing = np.zeros(0, dtype=np.int64)
    assert common(nothing, nothing, np.zeros(0), 3) == []


@pytest.mark.parametrize("parts", [2, 3])
def test_parts_of_the_hosts_together_are_as_all_at_once(parts: int) -> None:
    rng = np.random.default_rng(parts)
    group, host, window = rng.integers(0, 9, 500), rng.integers(0, 40, 500), 1_900_000 + rng.integers(0, 3, 500)
    values = np.round(rng.random(500), 1)  # many are equal
    parameters = replace(PARAMETERS, quorum_hosts=15)

    def rows(mine: Integers) -> Evidence:
        return evidence(group[mine], host[mine], values[mine], window[mine])

    whole = rows(np.arange(500))
    expected = CommonMaxima.of(whole, parameters).maxima(whole)[NAME]
    assert 0 < np.isfinite(expected).sum() < 500
    places = [np.flatnonzero(host % parts == number) for number in range(parts)]
    present = [(rows(mine).group, rows(mine).host, rows(mine).window) for mine in places]
    crowds = Presence.merged([Presence.of(*of_part) for of_part in present]).crowds(parameters)
    merged = CommonMaxima.merged(crowds, [crowds.leaders(rows(mine), parameters.leaders) for mine in places])
    for mine in places:
        assert merged.maxima(rows(mine))[NAME].tolist() == expected[mine].tolist()
