"""The history of plans, from what snapshots and events say of each customer; in Arrow, by the engine's workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers

SNAPSHOT, EVENT, REGISTRATION = 0, 1, 2
"""What says a plan; of one moment, the event comes after the snapshot."""
SOURCES = pa.array(["snapshot", "event", "registration"])
NONE = -1
"""The code of no plan."""
DAY_MICROS = 24 * 60 * 60 * 1_000_000
FAR = DAY_MICROS * 100_000_000
"""A moment after all others, in microseconds since 1970."""
INTERVALS = (
    "customer_id string, plan_id string, valid_from timestamp, valid_to timestamp, source string, "
    "is_conflict boolean, is_first boolean, conflicts long"
)
"""The columns of `plan_history`, whether it is the first interval of the customer, and in the first row of a part the
number of all conflicts, of which some begin no interval."""


@dataclass(frozen=True)
class Said:
    """What is said of plans: codes of customers, of plans and of what says it, and moments in microseconds."""

    customer: Integers
    moment: Integers
    plan: Integers
    source: Integers
    old_plan: Integers

    def taken(self, rows: Flags | Integers) -> Said:
        """The rows at these places, or with the flag."""
        return Said(**{name: column[rows] for name, column in vars(self).items()})

    @property
    def is_first(self) -> Flags:
        """Whether the row is the first one of its customer."""
        return np.append(True, self.customer[1:] != self.customer[:-1])[: len(self.customer)]

    @property
    def is_last(self) -> Flags:
        """Whether the row is the last one of its customer."""
        return np.append(self.is_first[1:], True)


def history_of_part(snapshots: Sequence[date], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The intervals of a part of the customers from all that is said of them."""
    said = [batch for batch in batches if batch.num_rows]
    if said:
        yield from intervals(pa.Table.from_batches(said), snapshots).to_batches()


def intervals(said: pa.Table, snapshots: Sequence[date]) -> pa.Table:
    """The intervals, with the columns `INTERVALS`.

    Args:
        said: customer_id, moment, source (`SNAPSHOT` or `EVENT`), plan_id, old_plan_id (of events), registration_date
            (of snapshots), and business_date, file_time and row_hash (of events): their order at one moment.
        snapshots: the days of which there are snapshots, in ascending order.
    """
    customers, plans, rows = _coded(said)
    order = _order(rows, said)
    rows = rows.taken(order)
    registered = _registered(rows, said["registration_date"].take(pa.array(order)), len(customers))
    rows = _with_implied(rows, registered, np.array(snapshots, "datetime64[us]").astype(np.int64))
    is_conflict = _contradicts(rows)
    conflicts = int(is_conflict.sum())
    is_lasting = rows.is_last | (_after(rows.moment) > rows.moment)  # of one moment, the last wins
    rows, is_conflict = rows.taken(is_lasting), is_conflict[is_lasting]
    is_start = rows.is_first | (rows.plan != _before(rows.plan))
    rows, is_conflict = rows.taken(is_start), is_conflict[is_start]
    columns = {
        "customer_id": customers.take(pa.array(rows.customer)),
        "plan_id": plans.take(pa.array(rows.plan, mask=rows.plan == NONE)),
        "valid_from": _times(rows.moment),
        "valid_to": _times(_after(rows.moment), rows.is_last),
        "source": SOURCES.take(pa.array(rows.source)),
        "is_conflict": is_conflict,
        "is_first": rows.is_first,
        "conflicts": np.append(conflicts, np.zeros(len(rows.moment) - 1, np.int64)),
    }
    return pa.table(columns)


def _coded(said: pa.Table) -> tuple[pa.Array, pa.Array, Said]:
    """The customers and the plans by code, and the rows as they came."""
    customers = _encoded(said["customer_id"])
    plans = _encoded(pa.chunked_array([*said["plan_id"].chunks, *said["old_plan_id"].chunks]))
    codes = plans.indices.fill_null(NONE).to_numpy().astype(np.int64)
    moments, sources = (said[name].cast(pa.int64()).to_numpy() for name in ("moment", "source"))
    rows = Said(customers.indices.to_numpy().astype(np.int64), moments, codes[: len(said)], sources, codes[len(said) :])
    return customers.dictionary, plans.dictionary, rows


def _encoded(texts: pa.ChunkedArray) -> pa.DictionaryArray:
    return texts.cast(pa.string()).combine_chunks().dictionary_encode()


def _order(rows: Said, said: pa.Table) -> Integers:
    """The places of the rows in the order of customers, moments and sources; events of a moment by their files."""
    events = np.flatnonzero(rows.source == EVENT)
    keys = [(name, "ascending") for name in ("business_date", "file_time", "row_hash")]
    by_file = pc.sort_indices(said.select([name for name, _ in keys]).take(pa.array(events)), keys).to_numpy()
    places = np.append(np.flatnonzero(rows.source == SNAPSHOT), events[by_file])
    keyed = rows.taken(places)
    order: Integers = places[np.lexsort((keyed.source, keyed.moment, keyed.customer))]
    return order


def _registered(rows: Said, days: pa.ChunkedArray, customers: int) -> Integers:
    """When each customer registered, as the first snapshot says; `FAR` if it does not."""
    found = np.full(customers, FAR)
    snapshots = np.flatnonzero(rows.source == SNAPSHOT)
    first = snapshots[rows.taken(snapshots).is_first]
    known = days.cast(pa.int32()).cast(pa.int64()).fill_null(FAR // DAY_MICROS).to_numpy()
    found[rows.customer[first]] = known[first] * DAY_MICROS
    return found


def _with_implied(rows: Said, registered: Integers, snapshots: Integers) -> Said:
    """The rows and what they imply: the plan from the registration on, and none from the snapshot that lacks one."""
    following = np.append(snapshots, FAR)[np.searchsorted(snapshots, rows.moment, "right")]
    next_moment = np.where(rows.is_last, FAR, _after(rows.moment))
    is_present = (next_moment == following) & (_after(rows.source) == SNAPSHOT) & ~rows.is_last
    is_absent = (following < FAR) & (next_moment >= following) & ~is_present
    is_registered = rows.is_first & (registered[rows.customer] < rows.moment)
    counts = 1 + is_registered + is_absent
    begins = np.cumsum(counts) - counts
    said = rows.taken(np.repeat(np.arange(len(counts)), counts))
    at = begins[is_registered]
    said.moment[at] = registered[said.customer[at]]
    said.plan[at] = np.where(said.source[at] == EVENT, said.old_plan[at], said.plan[at])
    said.source[at] = REGISTRATION
    at = (begins + is_registered + 1)[is_absent]
    said.moment[at], said.plan[at], said.source[at] = following[is_absent], NONE, SNAPSHOT
    return said


def _contradicts(rows: Said) -> Flags:
    """Whether an event names another old plan than the one in force, which is what was said before it."""
    names_another = (rows.old_plan != NONE) & (rows.old_plan != _before(rows.plan))
    contradicts: Flags = (rows.source == EVENT) & ~rows.is_first & names_another
    return contradicts


def _before(values: Integers) -> Integers:
    """Each value's predecessor; any value for the first."""
    return np.roll(values, 1)


def _after(values: Integers) -> Integers:
    """Each value's successor; any value for the last."""
    return np.roll(values, -1)


def _times(values: Integers, unknown: Flags | None = None) -> pa.Array:
    return pa.array(values, mask=unknown).cast(pa.timestamp("us", "UTC"))
