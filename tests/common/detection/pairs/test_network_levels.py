"""Scores of a window in which the whole network is unlike training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.arrays import Floats
from common.detection.pairs.evidence import KINDS
from common.detection.pairs.fitting import fit
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.parameters import current_parameters
from tests.common.detection.pairs.test_fitting import INBOUND, OUTBOUND, evidence
from tests.common.detection.synthetic import PARAMETERS

PAIRS = replace(
    current_parameters().pairs,
    quorum_hosts=5, quorum_share=0.05, level_share=0.35, level_quantile=0.99, level_min=1.0,
)  # fmt: skip
HOSTS = 60


def scores(values: Floats, kind: int, window: int = 7) -> HostScores:
    """Those of as many hosts in a window."""
    rows = np.arange(len(values))
    return HostScores(rows, np.full(len(rows), window), np.full(len(rows), kind), values)


def descending(*highest: float) -> Floats:
    """The highest scores of a window, and 0.1 of all other hosts."""
    return np.array([*highest, *[0.1] * (HOSTS - len(highest))])


@pytest.mark.parametrize(
    ("kind", "values", "level"),
    [
        (INBOUND, descending(9.0, 8.0, 7.0, 6.0, 5.0, 4.0), 5.0),  # five of 60 are a quorum
        (OUTBOUND, descending(*[9.0] * 20), 0.1),  # 0.35 x 60 = 21 hosts
        (OUTBOUND, descending(*[9.0] * 20, 3.0), 3.0),
        (INBOUND, np.array([9.0] * 4), 0.0),  # no fifth host
    ],
)
def test_the_level_is_what_many_hosts_reach(kind: int, values: Floats, level: float) -> None:
    assert NetworkLevels.of(scores(values, kind), PAIRS).levels.tolist() == [level]


def test_levels_are_the_same_in_whatever_order_hosts_come() -> None:
    rng = np.random.default_rng(1)
    parts = [scores(rng.exponential(1, HOSTS), kind, window) for kind in range(len(KINDS)) for window in (3, 4)]
    whole = NetworkLevels.of(HostScores.joined(parts), PAIRS)
    again = NetworkLevels.of(HostScores.joined(parts[::-1]), PAIRS)
    assert len(whole.levels) == 2 * len(KINDS)
    assert (whole.cells.tolist(), whole.levels.tolist()) == (again.cells.tolist(), again.levels.tolist())


def test_the_usual_level_is_a_quantile_of_the_windows_and_has_a_least() -> None:
    # the fifth score of windows 0 to 100 is 1.5 to 2.5; of other kinds there is none
    parts = [scores(descending(*[1.5 + window / 100] * 5), INBOUND, window) for window in range(101)]
    usual = NetworkLevels.of(HostScores.joined(parts), PAIRS).usual(PAIRS)
    assert usual.tolist() == [1.0, 1.0, pytest.approx(2.49), 1.0]


def test_scores_above_the_usual_level_are_lowered_in_proportion_and_keep_their_order() -> None:
    found = HostScores.joined([
        scores(descending(8.0, 7.0, 6.0, 5.0, 4.0), INBOUND), scores(descending(9.0), OUTBOUND),
        scores(descending(2.0), INBOUND, 8),
    ])  # fmt: skip
    lowered = NetworkLevels.of(found, PAIRS).of_scores(found, np.array([1.0, 1.0, 2.0, 1.0]))
    halved = (found.kind == INBOUND) & (found.window == 7)  # 2 / 4
    assert lowered.values[halved].tolist() == (found.values[halved] / 2).tolist()
    assert lowered.values[~halved].tolist() == found.values[~halved].tolist()
    assert (np.argsort(lowered.values[halved]) == np.argsort(found.values[halved])).all()


def test_sixteen_attacked_hosts_of_sixty_keep_their_scores() -> None:
    found = scores(descending(*[6.0] * 16), OUTBOUND)
    kept = NetworkLevels.of(found, PAIRS).of_scores(found, np.ones(len(KINDS)))
    assert kept.values.tolist() == found.values.tolist()


@pytest.mark.parametrize("kind", [OUTBOUND, INBOUND])
def test_a_model_lowers_the_scores_of_a_day_unlike_training(kind: int) -> None:
    """Of a window of 50 hosts, all of which do what nobody did in training, and of one in which two do."""
    rng = np.random.default_rng(2)
    usual = rng.exponential(1.0, 5_000)
    model = fit([lambda: evidence(usual, np.zeros(5_000, dtype=np.int64), None, kind)], PARAMETERS).model
    many, few = np.full(50, 30.0), np.where(np.arange(50) < 2, 30.0, 0.5)
    lowered = []
    for amount in (many, few):
        rows = replace(evidence(amount, np.zeros(50, dtype=np.int64), None, kind), window=np.zeros(50, dtype=np.int64))
        scored = model.score(rows)
        levels = NetworkLevels.of(HostScores.of_kinds(scored), PARAMETERS.pairs)
        found = levels.lowered(scored, model.usual_levels)
        assert found.scores + found.lowered_by == pytest.approx(scored.scores)
        lowered.append((found.lowered_by[:2] > 1).tolist())
        assert (found.scores[:2] >= 1 - 1e-12).all()  # the last digit is the processor's
    assert lowered == [[True, True], [False, False]]
