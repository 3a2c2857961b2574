"""The rarity of each host's pairs: pair counts, joined with the pairs that a baseline knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.arrays import Floats, Integers
from common.coded import encoded, positions
from common.contracts.window_columns import WINDOW_MICROS, micros
from common.pair_keys import PORT_BITS
from common.windows import Windows

CODED = ("src_ip", "dst_ip")
COUNT_COLUMNS = (*CODED, "dst_port", "window_start_ts")
KNOWN_COLUMNS = (*CODED, "dst_port", "pair_rarity_score")
UNKNOWN_RARITY = 1.0
"""Of a pair that the baseline does not have."""
HALF = 1 << 30

PAIR_FEATURES = ("pair_rarity_max", "pair_rarity_mean", "new_pair_share")


@dataclass(frozen=True)
class Pairs:
    """The pairs of FG-A rows, `(n_pairs,)` each: the number of the row, and a key of source, destination and port.

    A key counts sources and destinations as they come in `sources` and `destinations`.
    """

    n_rows: int
    sources: pa.Array
    destinations: pa.Array
    row: Integers
    key: Integers

    @classmethod
    def of(cls, counts: pa.Table, fg_a: pa.Table, windows: Windows) -> Pairs:
        """The rows of `pair_counts` whose source has a row of `fg_a` in their window."""
        host = encoded(fg_a["host_ip"])
        row_of = np.full((len(host.dictionary), len(windows)), -1)
        row_of[np.asarray(host.indices), _window(fg_a, windows)] = np.arange(len(fg_a))
        source, destination = positions(counts["src_ip"], host.dictionary), encoded(counts["dst_ip"])
        row = np.where(source < 0, -1, row_of[source, _window(counts, windows)])
        listed = row >= 0
        key = _keys(source, np.asarray(destination.indices), counts, len(destination.dictionary))
        return cls(len(fg_a), host.dictionary, destination.dictionary, row[listed], key[listed])

    def features(self, known: pa.Table) -> dict[str, Floats]:
        """The pair features of each FG-A row, from the pairs of a baseline; NaN where a row has no pairs."""
        rarity = self._rarities(known)
        is_new = np.isnan(rarity)
        rarity[is_new] = UNKNOWN_RARITY
        count = np.bincount(self.row, minlength=self.n_rows)
        highest = np.zeros(self.n_rows)
        np.maximum.at(highest, self.row, rarity)
        with np.errstate(invalid="ignore"):  # 0 / 0
            return {
                "pair_rarity_max": np.where(count > 0, highest, np.nan),
                "pair_rarity_mean": self._sums(rarity) / count,
                "new_pair_share": np.bincount(self.row[is_new], minlength=self.n_rows) / count,
            }

    def _rarities(self, known: pa.Table) -> Floats:
        """The rarity of each pair; NaN for unknown ones."""
        source, destination = positions(known["src_ip"], self.sources), positions(known["dst_ip"], self.destinations)
        met = (source >= 0) & (destination >= 0)
        keys = _keys(source, destination, known, len(self.destinations))[met]
        order = np.argsort(keys)
        keys, scores = np.append(keys[order], -1), np.append(known["pair_rarity_score"].to_numpy()[met][order], np.nan)
        place = np.searchsorted(keys[:-1], self.key)
        return np.where(keys[place] == self.key, scores[place], np.nan)

    def _sums(self, rarity: Floats) -> Floats:
        """The sum for each FG-A row, of whole numbers of 2^-60, so that the order of the pairs has no influence."""
        high = np.floor(rarity * HALF)
        low = np.round((rarity * HALF - high) * HALF)
        highs, lows = (np.bincount(self.row, part, self.n_rows) for part in (high, low))
        return highs / HALF + lows / HALF / HALF


def _keys(source: Integers, destination: Integers, rows: pa.Table, n_destinations: int) -> Integers:
    keys: Integers = (source * n_destinations + destination) * (1 << PORT_BITS) + rows["dst_port"].to_numpy()
    return keys


def _window(rows: pa.Table, windows: Windows) -> Integers:
    starts: Integers = rows["window_start_ts"].to_numpy().view(np.int64)
    return (starts - micros(windows)[0]) // WINDOW_MICROS
