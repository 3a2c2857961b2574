"""The parts of a run: some hosts each, whose rows are read in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from common.coded import positions
from common.lake.host_ranges import ALL_HOSTS, HostRange, host_ranges
from common.lake.pieces import pieces, rows_by, spans
from common.lake.reader import LakeReader
from common.lake.window_rows import rows_by_window
from common.windows import Windows

ROWS_AT_A_TIME = 1_000_000


@dataclass(frozen=True)
class Part:
    """Some hosts in windows of one day, and the pieces in which their slices, and the days before, are read."""

    windows: Windows
    hosts: HostRange
    slices: tuple[Windows, ...]
    days: tuple[tuple[str, ...], ...] = ()


class Plan:
    """How runs on a lake are divided, by the rows that its tables have."""

    def __init__(self, lake: LakeReader) -> None:
        self._lake = lake

    def parts(
        self,
        windows: Windows,
        slices: Windows,
        hosts: pa.Array,
        most_hosts: int,
        most_rows: int,
        days: Sequence[str] = (),
    ) -> list[Part]:
        """The parts of the work on hosts and windows that reads these slices and days, each some of the slices."""
        held = rows_by_window(self._lake, "delta_pair", slices)
        rows = {window: held.get(window.key, 0) for window in slices}
        ranges = self._ranges(slices, sum(rows.values()), hosts, most_hosts, most_rows)
        most = ROWS_AT_A_TIME * len(ranges)
        read = tuple(spans(rows, most))
        dates = tuple(map(tuple, pieces({day: self._days[day] for day in days if day in self._days}, most)))
        return [Part(windows, chosen, read, dates) for chosen in ranges]

    def _ranges(self, slices: Windows, rows: int, hosts: pa.Array, most_hosts: int, most_rows: int) -> list[HostRange]:
        """Ranges of the hosts, bounded in hosts and in their rows, of which there are so many in all."""
        if rows <= most_rows and len(hosts) <= most_hosts:
            return [ALL_HOSTS]
        ordered = hosts.sort()
        found = positions(self._lake.arrow("delta_pair", ["host_ip"], slices, coded=["host_ip"])["host_ip"], ordered)
        weights = np.bincount(found[found >= 0], minlength=len(hosts)) + most_rows // most_hosts
        return list(host_ranges(ordered.to_pylist(), weights, most_rows))

    @cached_property
    def _days(self) -> dict[str, int]:
        return rows_by(self._lake, "pair_days", "date")
