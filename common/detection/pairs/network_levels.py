"""How high the whole network scores in a window: what its hosts share is no host's own anomaly.

A day unlike those of training raises the scores of many hosts at once. So the level of a window, a score that many of
its hosts reach, is compared with that of training windows; where it is higher, all scores of the kind are lowered in
proportion. Their order stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from common.arrays import Floats, Integers
from common.detection.pairs.contacts import changes, places
from common.detection.pairs.evidence import KINDS
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.scoring import ScoredRows
from common.detection.parameters import PairParameters


@dataclass(frozen=True, eq=False)
class NetworkLevels:
    """The level of each window and kind, 0 where too few hosts have a score: `cells` rise, see `_cells`.

    Of what hosts answer, it is the score that a quorum of hosts reaches: whom strangers try does nothing itself. Of
    what they begin, it is that of `level_share` of the hosts: an attack does not reach so many.
    """

    cells: Integers
    levels: Floats

    @classmethod
    def of(cls, scores: HostScores, parameters: PairParameters) -> NetworkLevels:
        """Those of the scores of all hosts, one of each host, window and kind."""
        order = np.lexsort((-scores.values, scores.kind, scores.window))
        cells = _cells(scores.window[order], scores.kind[order])
        first = changes(cells)
        rank = _ranks(scores, cells[first], parameters)
        reached = rank <= np.diff(first, append=len(cells))
        levels = np.zeros(len(first))
        levels[reached] = scores.values[order][(first + rank - 1)[reached]]
        return cls(cells[first], levels)

    def usual(self, parameters: PairParameters) -> Floats:
        """The level of each of `KINDS` that hardly any of these windows exceeds, but at least `level_min`."""
        found = np.full(len(KINDS), parameters.level_min)
        for kind in np.unique(self.cells % len(KINDS)).tolist():
            levels = self.levels[self.cells % len(KINDS) == kind]
            found[kind] = max(float(np.quantile(levels, parameters.level_quantile)), parameters.level_min)
        return found

    def factors(self, window: Integers, kind: Integers, usual: Floats) -> Floats:
        """What scores of these windows and kinds are multiplied by: less than 1 where the level is above the usual."""
        place, found = places(self.cells, _cells(window, kind))
        level = np.where(found, self.levels[place], 0.0) if len(self.cells) else np.zeros(len(window))
        return np.asarray(usual[kind] / np.maximum(level, usual[kind]))

    def of_scores(self, scores: HostScores, usual: Floats) -> HostScores:
        """The scores, lowered."""
        return replace(scores, values=scores.values * self.factors(scores.window, scores.kind, usual))

    def lowered(self, rows: ScoredRows, usual: Floats) -> ScoredRows:
        """The rows with lowered scores; those of odd habits are compared with others already."""
        evidence, best = rows.evidence, rows.best
        best = best[~evidence.habit[best]]
        scores, lowered_by = rows.scores.copy(), np.zeros(len(rows.scores))
        scores[best] *= self.factors(evidence.window[best], evidence.kind[best], usual)
        lowered_by[best] = rows.scores[best] - scores[best]
        return replace(rows, scores=scores, lowered_by=lowered_by)


def _cells(window: Integers, kind: Integers) -> Integers:
    """A number for each window and kind."""
    return window * len(KINDS) + kind


def _ranks(scores: HostScores, cells: Integers, parameters: PairParameters) -> Integers:
    """How many hosts must reach the level of each cell, by how many have any score in its window."""
    order = np.lexsort((scores.host, scores.window))
    window, host = scores.window[order], scores.host[order]
    windows, hosts = np.unique_counts(window[np.union1d(changes(window), changes(host))])
    count = hosts[np.searchsorted(windows, cells // len(KINDS))]
    begun = cells % len(KINDS) < KINDS.index("inbound")
    share = np.where(begun, parameters.level_share, parameters.quorum_share)
    return np.ceil(np.maximum(parameters.quorum_hosts, share * count)).astype(np.int64)
