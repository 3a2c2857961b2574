"""What labels say of hosts and windows, whatever form they came in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from common.arrays import Floats
from common.windows import WINDOW_SECONDS
from tools.evaluate.labels.reading import Counts

KEYS = ["host_ip", "window_start"]
GRID_SECONDS = 8 * 60
"""Windows begin so long after full quarters of an hour."""


@dataclass(frozen=True)
class Labelled:
    """Who attacked when.

    Attributes:
        attacks: host_ip, window_start (UTC) and attack; a row for each attack that a host began in a window.
        spared: host_ip and window_start of what counts neither way: targets, and hosts with flows of unknown labels.
        about: the first and the last window that the labels are about; None where they name attacks alone.
        counts: what the files had.
    """

    attacks: pd.DataFrame
    spared: pd.DataFrame
    about: tuple[pd.Timestamp, pd.Timestamp] | None
    counts: Counts


@dataclass
class Collected:
    """Rows of labels, put together."""

    counts: Counts = field(default_factory=Counts)
    _attacks: list[pd.DataFrame] = field(default_factory=list)
    _spared: list[pd.DataFrame] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)

    def attack(self, hosts: Iterable[str], ends: Floats, names: Iterable[str]) -> None:
        """Hosts that attacked in the windows of these times, in seconds since 1970."""
        rows = pd.DataFrame({"host_ip": hosts, "window_start": window_starts(ends), "attack": names})
        self._attacks.append(rows.drop_duplicates())

    def spare(self, hosts: Iterable[str], ends: Floats) -> None:
        """Hosts of which nothing is known in the windows of these times."""
        self._spared.append(pd.DataFrame({"host_ip": hosts, "window_start": window_starts(ends)}).drop_duplicates())

    def saw(self, ends: Floats) -> None:
        """Notes that labels are about these times."""
        if len(ends):
            self._times += [float(ends.min()), float(ends.max())]

    def labelled(self) -> Labelled:
        """All of them."""
        none = pd.DataFrame({"host_ip": [], "window_start": window_starts(np.zeros(0)), "attack": []})
        attacks = pd.concat([none, *self._attacks]).astype({"host_ip": str}).drop_duplicates().reset_index(drop=True)
        spared = pd.concat([none[KEYS], *self._spared]).astype({"host_ip": str}).drop_duplicates()
        about = None
        if self._times:
            first, last = window_starts(np.array([min(self._times), max(self._times)]))
            about = (first, last)
        return Labelled(attacks, spared.reset_index(drop=True), about, self.counts)


def window_starts(seconds: Floats) -> pd.DatetimeIndex:
    """The starts of the windows in which these times lie, in seconds since 1970."""
    starts = (np.floor((seconds - GRID_SECONDS) / WINDOW_SECONDS) * WINDOW_SECONDS + GRID_SECONDS).astype(np.int64)
    return pd.DatetimeIndex(pd.to_datetime(starts, unit="s", utc=True)).as_unit("us")


def label_rows(labelled: Labelled, predictions: pd.DataFrame) -> pd.DataFrame:
    """host_ip, window_start and attack (empty = clean) of all predictions, and of attacks without one.

    Several attacks of a host in a window are joined by `+`. What counts neither way is left out.
    """
    names = labelled.attacks.groupby(KEYS, as_index=False)["attack"].agg(lambda given: "+".join(sorted(set(given))))
    rows = predictions[KEYS].drop_duplicates().merge(names, how="outer", on=KEYS)
    rows["attack"] = rows["attack"].fillna("")
    spared = rows.merge(labelled.spared.assign(spared=True), how="left", on=KEYS)["spared"].notna().to_numpy()
    return rows[~spared | (rows["attack"] != "").to_numpy()].sort_values(KEYS[::-1], ignore_index=True)
