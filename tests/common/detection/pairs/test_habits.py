from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from common.arrays import Flags, Floats, Integers
from common.detection.pairs.coded_columns import Coded
from common.detection.pairs.evidence import KINDS, AmongOthers, Evidence
from common.detection.pairs.fitting import Learnt, fit
from common.detection.pairs.habits import Habits
from common.detection.pairs.scoring import EvidenceModel
from common.errors import ModelError
from common.windows import WINDOWS_PER_DAY
from tests.common.detection.synthetic import PARAMETERS

NAME, RARITY = "sessions_24h", "peer_rarity"
HOSTS, DAYS, ODD = 40, 5, 7
LONELY = 1000
"""The group of the odd habit, of host `ODD` alone."""


def evidence(odd_days: int = DAYS, days: range = range(DAYS)) -> Evidence:
    """What hosts do in five groups each, of 20, over some days; host `ODD` in one more, much and with nobody else."""
    rng = np.random.default_rng(3)
    day, host, group = (grid.ravel() for grid in np.meshgrid(days, np.arange(HOSTS), np.arange(20), indexing="ij"))
    mine = (group + host) % 4 == 0
    day, host, group = (np.repeat(column[mine], 12) for column in (day, host, group))
    values, bits = rng.gamma(4.0, 1.0, len(day)), np.round(rng.random(len(day)), 1)
    window = day * WINDOWS_PER_DAY + np.tile(np.arange(12), len(day) // 12)
    more = np.array([number * WINDOWS_PER_DAY + place for number in days[:odd_days] for place in range(12)])
    host, group = np.append(host, np.full(len(more), ODD)), np.append(group, np.full(len(more), LONELY))
    values, bits = np.append(values, np.full(len(more), 900.0)), np.append(bits, np.full(len(more), 6.0))
    return of(host, group, values, bits, np.append(window, more))


def of(host: Integers, group: Integers, values: Floats, bits: Floats, window: Integers) -> Evidence:
    """Rows that hosts began, of which none is new to its host."""
    none = np.zeros(len(host), dtype=np.int64)
    among = AmongOthers({RARITY: bits}, np.where(bits > 2, 2, 0))
    old = {RARITY: np.zeros(len(host))}
    host, window = np.asarray(host, dtype=np.int64), np.asarray(window, dtype=np.int64)
    return Evidence(
        pa.table({}),
        none,
        Coded.of(group),
        old,
        {NAME: values},
        none > 0,
        Coded.of(host),
        window,
        none,
        among,
        none > 0,
    )


def learnt(whole: Evidence, parts: int = 1) -> Learnt:
    found = [np.flatnonzero(whole.host.values % parts == number) for number in range(parts)]
    return fit([partial(whole.of_rows, rows) for rows in found], PARAMETERS)


@pytest.fixture(scope="module")
def found() -> Learnt:
    return learnt(evidence())


def odd_rows(rows: Evidence) -> Flags:
    return np.asarray(rows.group.values == LONELY)


def test_what_one_host_does_all_along_and_no_other_is_an_odd_habit(found: Learnt) -> None:
    habits = found.model.habits
    assert (habits.group.tolist(), habits.host.tolist(), habits.days.tolist()) == ([LONELY], [ODD], [DAYS])
    assert habits.decades[0] > 2


def test_what_is_done_on_few_days_is_no_habit() -> None:
    least = PARAMETERS.pairs.habit_days
    assert len(learnt(evidence(least)).model.habits.host) == 1
    assert not len(learnt(evidence(least - 1)).model.habits.host)


def test_of_few_habits_none_is_odd() -> None:
    few = replace(PARAMETERS, pairs=replace(PARAMETERS.pairs, habit_pairs=10_000))
    whole = evidence()
    assert not len(fit([lambda: whole], few).model.habits.host)


def test_odd_habits_teach_nothing(found: Learnt) -> None:
    """The model is that of the other rows alone, but for what it says of habits."""
    whole = evidence()
    others = fit([lambda: whole.of_rows(np.flatnonzero(~odd_rows(whole)))], PARAMETERS).model
    assert not len(others.habits.host)
    mine, theirs = found.model.maxima[NAME].arrays(""), others.maxima[NAME].arrays("")
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine if name != ".floors")
    assert (~np.isin(found.model.maxima[NAME].groups, [LONELY])).all()
    assert {"outbound", "outbound_habit"} == found.model.p_values.keys() and "outbound" in others.p_values


def test_an_odd_habit_stands_out_whatever_its_host_did(found: Learnt) -> None:
    whole = evidence()
    rows = found.model.score(whole)
    odd = odd_rows(whole)
    assert (rows.evidence.habit == odd).all()
    assert rows.scores[odd].min() > 2 * rows.scores[~odd].max()
    assert rows.maxima[NAME][odd].max() < 100  # what others reached, not the 900 of the host itself
    blind = replace(found.model, habits=Habits.none()).score(whole)
    assert not blind.evidence.habit.any()


def test_however_hosts_are_divided_the_model_is_the_same(found: Learnt) -> None:
    parts = learnt(evidence(), 3)
    assert parts.model.to_dict() == found.model.to_dict()
    mine, theirs = parts.model.arrays("pairs"), found.model.arrays("pairs")
    assert mine.keys() == theirs.keys()
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


def test_a_stored_model_says_the_same(found: Learnt) -> None:
    model = found.model
    read = EvidenceModel.from_parts(model.to_dict(), model.arrays("pairs"), "pairs", [NAME], PARAMETERS)
    whole = evidence()
    np.testing.assert_array_equal(read.score(whole).scores, model.score(whole).scores)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("group", [LONELY, LONELY]),
        ("host", [[ODD]]),
        ("kind", [KINDS.index("inbound")]),
        ("kind", [-1]),
        ("days", [0]),
        ("decades", [np.nan]),
        ("decades", [-1.0]),
        ("decades", []),
    ],
)
def test_damaged_habits_are_refused(found: Learnt, name: str, values: list[float]) -> None:
    arrays = found.model.habits.arrays("habits")
    damaged = arrays | {f"habits.{name}": np.array(values, dtype=arrays[f"habits.{name}"].dtype)}
    with pytest.raises(ModelError, match="the model is damaged"):
        Habits.from_arrays(damaged, "habits")


def test_habits_that_are_not_in_order_are_refused(found: Learnt) -> None:
    twice = Habits.joined([found.model.habits] * 2)
    with pytest.raises(ModelError, match="the model is damaged"):
        Habits.from_arrays(twice.arrays("habits"), "habits")
