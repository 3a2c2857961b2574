"""How the scoring of some windows is divided by hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from common.detection.pairs.activity import Targets
from common.detection.pairs.owners import OwnersFile
from common.detection.pairs.reading import PairReader, has_pairs
from common.detection.parameters import PairParameters
from common.lake.host_ranges import Part, host_ranges
from common.lake.pieces import rows_by
from common.lake.reader import LakeReader
from common.lake.window_rows import rows_by_window
from common.windows import WINDOW, Windows

ROWS_PER_PART = 20_000_000
"""On one machine: of slices and days of the look-back, whose files are read by each part."""
ROWS_PER_TASK = 5_000_000
"""On a cluster, whose workers should all have something to do."""


@dataclass(frozen=True)
class Plan:
    """The parts of the hosts, and what all of them look at."""

    parts: list[Part]
    targets: Targets


def plan_of(
    lake: LakeReader, windows: Windows, parameters: PairParameters, is_cluster: bool, owners: OwnersFile | None
) -> Plan | None:
    """The parts, about equal in pairs; None where the windows have no pairs.

    Raises:
        TableError: a table is unreadable, or names too many hosts, peers and services.
    """
    if not has_pairs(lake):
        return None
    slices = [*PairReader(lake, parameters, owners=owners).slices(windows)]
    if not slices:
        return None
    hosts, weights = _hosts(lake, windows, [part.table["host_ip"] for part in slices])
    most = ROWS_PER_TASK if is_cluster else ROWS_PER_PART
    parts = -(-_rows(lake, windows, parameters) // most)
    ranges = host_ranges(hosts, weights, -(-int(weights.sum()) // parts))
    targets = Targets.of([part.contacts for part in slices], windows)
    return Plan([Part(number, some) for number, some in enumerate(ranges)], targets)


def _hosts(lake: LakeReader, windows: Windows, present: Sequence[pa.ChunkedArray]) -> tuple[list[str], Integers]:
    """The hosts present in the windows, sorted, and how many pairs each has there and on the date before.

    Pairs of hosts that are not present count for the one before them, in whose part they are.
    """
    before = {"date": f"{windows.start - timedelta(days=1):%Y-%m-%d}"}
    columns = [*present, lake.arrow("pair_days", ["host_ip"], equal=before, coded=["host_ip"])["host_ip"]]
    counts = [pc.value_counts(column.cast(pa.string())) for column in columns]
    texts, pairs = (pa.chunked_array([count.field(place) for count in counts]) for place in (0, 1))
    hosts = np.unique(pa.chunked_array([count.field(0) for count in counts[:-1]]).to_numpy())
    place = np.maximum(np.searchsorted(hosts, texts.to_numpy(), side="right") - 1, 0)
    return hosts.tolist(), np.bincount(place, pairs.to_numpy(), len(hosts)).astype(np.int64)


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of the tables in one piece."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _rows(lake: LakeReader, windows: Windows, parameters: PairParameters) -> int:
    """How many slices and pairs of days are read for the windows, as the logs have it."""
    read = Windows(windows.start - parameters.memory_windows * WINDOW, windows.end)
    by_window, by_date = rows_by_window(lake, "delta_pair", read), rows_by(lake, "pair_days", "date")
    ages = range(1, parameters.lookback_days + 1)
    dates = (f"{windows.start - timedelta(days=age):%Y-%m-%d}" for age in ages)
    return sum(by_window.get(window.key, 0) for window in read) + sum(by_date.get(date, 0) for date in dates)
