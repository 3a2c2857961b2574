"""First contacts: peers, networks and services that are new to a host, and to others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Flags, Integers
from common.detection.pairs.evidence import NOVELTIES
from common.detection.pairs.reading import HOST_BITS, SERVICE_BITS, Contacts, DayPairs, earliest, places
from common.detection.parameters import PairParameters


@dataclass(frozen=True, eq=False)
class FirstContacts:
    """What some pairs are, and when hosts first met it, all as numbers.

    `host` and, for each of `NOVELTIES`, `values` are by the number of the pair: its peer, network, service and use, in
    its role. `met` has for each novelty the first contacts of all hosts with these values, a number for value and host,
    sorted, and their windows. `sends` says of each pair whether its host began any session within 30 days; `hosts` is
    how many hosts have any contact before the last 24 hours.
    """

    host: Integers
    values: dict[str, Integers]
    met: dict[str, tuple[Integers, Integers]]
    hosts: int
    sends: Flags


def first_contacts(day: DayPairs, network_of_peer: Integers, parameters: PairParameters) -> FirstContacts:
    """When all hosts first met what the pairs of the day are, up to the last of its windows."""
    last = int(day.columns["window"].max())
    values = _values(day.pairs, network_of_peer)
    wanted = {what: np.unique(numbers) for what, numbers in values.items()}
    found: dict[str, list[tuple[Integers, Integers]]] = {what: [] for what in NOVELTIES}
    hosts: set[int] = set()
    senders: set[int] = set()
    for part in (entry.part(entry.start <= last) for entry in day.contacts):
        hosts.update(np.unique(part.host[part.start <= last - parameters.memory_windows]).tolist())
        senders.update(np.unique(part.host[part.service & 1 == 0]).tolist())
        host, start = part.host.astype(np.int64), part.start.astype(np.int64)
        for what, numbers in _values(part, network_of_peer).items():
            _, mine = places(wanted[what], numbers)
            found[what].append(earliest((numbers[mine] << HOST_BITS) + host[mine], start[mine]))
    met = {what: earliest(*(np.concatenate(e) for e in zip(*found[what], strict=True))) for what in NOVELTIES}
    sends = np.isin(day.pairs.host, np.array(sorted(senders), dtype=np.int64))
    return FirstContacts(day.pairs.host.astype(np.int64), values, met, len(hosts), sends)


def _values(contacts: Contacts, network_of_peer: Integers) -> dict[str, Integers]:
    """What each contact is with, by the names of `NOVELTIES`."""
    role, service = (contacts.service & 1).astype(np.int64), contacts.service.astype(np.int64)
    network = network_of_peer[contacts.peer]
    return {
        "peer": contacts.peer.astype(np.int64) * 2 + role,
        "network": network * 2 + role,
        "service": service,
        "use": (network << SERVICE_BITS) + service,
    }


def active(activity: pa.Table, sends: Flags) -> pa.Table:
    """The rows of hosts that send, or that answered anybody in the window: the others are dark addresses.

    `sends` says of each pair, by its number, whether its host sends.
    """
    host = np.asarray(activity["host_ip"].combine_chunks().dictionary_encode().indices, dtype=np.int64)
    window = activity["window_number"].to_numpy()
    at = np.unique(host * (int(np.ptp(window)) + 1) + window - window.min(), return_inverse=True)[1]
    answers = activity["failed_day"].to_numpy() < activity["sessions_day"].to_numpy()
    alive = np.bincount(at, sends[activity["pair"].to_numpy()] | answers)[at] > 0
    return activity.filter(pa.array(alive))


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
