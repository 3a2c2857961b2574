"""What the windows of hosts score, by numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.address_codes import address_codes
from common.arrays import Floats, Integers
from common.detection.pairs.common_maxima import WINDOW_BITS
from common.detection.pairs.contacts import changes, distinct, of_texts, places, window_numbers
from common.detection.pairs.scoring import ScoredRows


@dataclass(frozen=True, eq=False)
class HostScores:
    """The strongest rows of hosts' windows, one of each kind: codes of hosts, windows, kinds, and sums or scores."""

    host: Integers
    window: Integers
    kind: Integers
    values: Floats

    @classmethod
    def of_rows(cls, rows: ScoredRows, values: Floats) -> HostScores:
        """Those of scored rows, with the values of all of these."""
        best, evidence = rows.best, rows.evidence
        return cls(evidence.host.values[best], evidence.window[best], evidence.kind[best], values[best])

    @classmethod
    def of_kinds(cls, rows: ScoredRows) -> HostScores:
        """The scores of scored rows but of odd habits, so that there is one of each host, window and kind."""
        evidence, best = rows.evidence, rows.best[~rows.evidence.habit[rows.best]]
        return cls(evidence.host.values[best], evidence.window[best], evidence.kind[best], rows.scores[best])

    @classmethod
    def joined(cls, parts: Sequence[HostScores]) -> HostScores:
        """Those of parts of the hosts together, in the order of host, window and kind."""
        found = [np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])]
        order = np.lexsort((found[2], found[1], found[0]))
        return cls(*(column[order] for column in found))

    def highest(self) -> HostScores:
        """One row for each host and window, in their order: that of the kind with the highest value."""
        order = np.lexsort((-self.values, self.window, self.host))
        first = order[np.union1d(changes(self.host[order]), changes(self.window[order]))]
        return HostScores(*(column[first] for column in vars(self).values()))

    def of(self, host: Integers, window: Integers) -> Floats:
        """The highest value of each host, by its code, and window; 0 for those without."""
        highest = self.highest()
        hosts = distinct(highest.host)
        known = np.searchsorted(hosts, highest.host) << WINDOW_BITS | highest.window
        place, is_known = places(hosts, host)
        row, found = places(known, np.where(is_known, place << WINDOW_BITS | window, -1))
        return np.where(found, highest.values[row], 0.0) if len(known) else np.zeros(len(host))

    def of_keys(self, keys: pa.Table) -> Floats:
        """The same for rows with `host_ip` and `window_start_ts`."""
        return self.of(of_texts(keys["host_ip"], address_codes), window_numbers(keys["window_start_ts"]))
