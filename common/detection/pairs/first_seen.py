"""First contacts: peers, networks and services that are new to a host, and to others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Flags, Integers
from common.detection.pairs.reading import HOST_BITS, NOVELTIES, FirstContacts
from common.detection.parameters import PairParameters


def with_novelty(activity: pa.Table, contacts: FirstContacts, parameters: PairParameters) -> pa.Table:
    """The rows with four columns for each of `NOVELTIES`, prefixed with its name.

    - `new`: the host had not met it before the last 24 hours, within 30 days;
    - `others`: how many other hosts had;
    - `bits`: 0 where it is not new, else log2((hosts + 1) / (others + 1)) with all hosts that have any history;
    - `joined`: it is new, and a quorum of other hosts first met it in the last 24 hours. These count as others, too,
      and the bits are 0: new software is not an attack. This applies only to outbound pairs of which at most
      `failed_share_max` of the sessions failed: new software gets answers.
    """
    pair, now = activity["pair"].to_numpy(), activity["window_number"].to_numpy()
    host = contacts.host[pair]
    failed, sessions = activity["failed_day"].to_numpy(), activity["sessions_day"].to_numpy()
    answered = failed <= parameters.failed_share_max * sessions
    for what in NOVELTIES:
        values = contacts.values[what][pair]
        for name, column in _novelty(values, host, now, answered, what, contacts, parameters).items():
            activity = activity.append_column(f"{what}_{name}", pa.array(column))
    return activity.drop_columns("pair")


def _novelty(
    values: Integers,
    host: Integers,
    now: Integers,
    answered: Flags,
    what: str,
    contacts: FirstContacts,
    parameters: PairParameters,
) -> dict[str, NDArray[np.generic]]:
    """The four columns of one novelty, from the number of what each row is with, its host and its window."""
    known_by = now - parameters.memory_windows  # what is older than the last 24 hours is known
    contact, start = contacts.met[what]
    known = np.zeros(len(values), dtype=bool)
    others, by_now = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    if len(contact) and len(values):
        mine = (values << HOST_BITS) + host
        place = np.minimum(np.searchsorted(contact, mine), len(contact) - 1)
        met = contact[place] == mine
        known = met & (start[place] <= known_by)
        wanted = np.unique(contacts.values[what])
        origin = min(int(start.min()), int(known_by.min()))
        span = max(int(start.max()), int(now.max())) - origin + 2
        ordered = np.sort(np.searchsorted(wanted, contact >> HOST_BITS) * span + start - origin)
        base = np.searchsorted(wanted, values) * span
        first = np.searchsorted(ordered, base)
        others = np.searchsorted(ordered, base + known_by - origin, side="right") - first - known
        by_now = np.searchsorted(ordered, base + now - origin, side="right") - first - (met & (start[place] <= now))
    outbound = values & 1 == 0  # whom others contact did nothing itself
    joined = (by_now - others >= parameters.quorum(contacts.hosts)) & outbound & answered
    others = np.where(joined, by_now, others)
    bits = np.log2((np.maximum(contacts.hosts, others) + 1) / (others + 1))
    bits = np.where(known | joined, 0.0, bits)
    return {"new": ~known, "others": others, "bits": bits, "joined": joined & ~known}
