"""The activity of pairs: those of a window, their last 24 hours, and what is new about them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from common.addresses import NETWORK_SIGN
from common.arrays import Flags, Integers
from common.detection.pairs.first_seen import active, first_contacts, with_novelty
from common.detection.pairs.reading import PAIR, SUMS, ContactHistory, DayPairs, networks, read_pairs
from common.detection.parameters import PairParameters
from common.lake.lake import Lake
from common.windows import Windows


def read_activity(
    lake: Lake,
    windows: Windows,
    internal_cidrs: Sequence[str],
    parameters: PairParameters,
    hosts: Sequence[str] | None = None,
) -> Iterator[pa.Table]:
    """The pairs of the windows, at most a UTC date at a time; nothing for a date without any.

    One row per host, role, peer, service port and window, protocols together, in order of window and pair. Addresses
    that sent nothing in 30 days and answer nobody in the window are left out: a sweep meets many, and they did nothing.
    With

    - `window_number`, which grows by one from each window to the next;
    - `sessions`, `failed`, `sent`, `received` (bytes) of the window, and `..._day` of the 24 hours that end with it, in
      which the pair occurred in `slices_day` windows;
    - `gap_s_day` and `gap_sq_s_day`, the sums of the gaps between the starts of consecutive sessions in these 24 hours
      and of their squares, in seconds;
    - `internal`, whether the peer is, and `network`, its /24 or /64;
    - for each of `NOVELTIES` the columns that `with_novelty` adds.

    With `hosts`, only theirs; all hosts still count as others.

    Raises:
        TableError: a table is missing or unreadable.
    """
    days = windows.by_day()
    history = ContactHistory(lake, {entry["date"] for entry in lake.partitions("pair_days")}, parameters)
    for day in days:
        pairs = read_pairs(lake, day, hosts, parameters, history)
        if pairs is not None:
            activity = _with_addresses(summed(pairs, parameters.memory_windows), internal_cidrs, parameters)
            contacts = first_contacts(pairs, history.network_of_peer, parameters)
            yield with_novelty(active(activity, contacts.sends), contacts, parameters)


def activity_of(
    lake: Lake, windows: Windows, internal_cidrs: Sequence[str], parameters: PairParameters
) -> pa.Table | None:
    """All that `read_activity` gives for the windows, in one table; None where there is nothing."""
    parts = list(read_activity(lake, windows, internal_cidrs, parameters))
    return pa.concat_tables(parts).combine_chunks() if parts else None


def summed(pairs: DayPairs, memory: int) -> pa.Table:
    """The pairs of the day's windows, with the sums of the `memory` windows that end with each."""
    columns = dict(pairs.columns)
    pair, window = columns.pop("pair"), columns.pop("window")
    origin = int(window.min())
    span = int(window.max()) - origin + 1
    key = pair * span + window - origin
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(key) != 0]))  # of one row per pair and window
    key, row = key[starts], order[starts]
    how = {"first_ts": np.minimum, "last_ts": np.maximum}
    merged = {name: how.get(name, np.add).reduceat(columns.pop(name)[order], starts) for name in list(columns)}
    begin = np.searchsorted(key, key - np.minimum(key % span, memory - 1))
    now = key % span >= pairs.first - origin

    def of_day(values: Integers) -> Integers:
        total = np.concatenate([[0], np.cumsum(values)])
        return np.asarray(total[1:] - total[begin])

    found = {name: merged[name] for name in SUMS}
    found["slices_day"] = of_day(np.ones(len(key), dtype=np.int64))
    found |= {f"{name}_day": of_day(merged[name]) for name in SUMS}
    before = _gaps_before(key // span, merged["first_ts"], merged["last_ts"])
    for name, gaps in (("gap_s", before), ("gap_sq_s", before**2)):
        found[f"{name}_day"] = of_day(merged[name] + gaps) - gaps[begin]  # the first gap began before that time
    table = pairs.texts.take(pa.array(row[now]))
    table = table.append_column("pair", pa.array(key[now] // span))
    table = table.append_column("window_number", pa.array(key[now] % span + origin))
    for name, values in found.items():
        table = table.append_column(name, pa.array(values[now].astype(np.float64)))
    return table.sort_by([(name, "ascending") for name in ("window_start_ts", *PAIR)]).combine_chunks()


def _gaps_before(pair: Integers, first: Integers, last: Integers) -> Integers:
    """The seconds between each slice's first session and the last one of the pair's slice before; 0 for the first."""
    gaps = np.zeros(len(pair), dtype=np.int64)
    gaps[1:] = np.where(np.diff(pair) == 0, np.maximum(first[1:] - last[:-1], 0), 0)
    return gaps


def is_internal(addresses: Sequence[str], cidrs: Sequence[str]) -> Flags:
    """Whether each address, perhaps with a network, lies in one of the prefixes."""
    addresses = [address.partition(NETWORK_SIGN)[0] for address in addresses]
    found = np.zeros(len(addresses), dtype=bool)
    prefixes = [ipaddress.ip_network(cidr) for cidr in cidrs]
    ipv4 = [place for place, address in enumerate(addresses) if ":" not in address]
    numbers = np.array([int.from_bytes(socket.inet_aton(addresses[place])) for place in ipv4], dtype=np.int64)
    for prefix in prefixes:
        if prefix.version == 4:
            first = int(prefix.network_address)
            found[ipv4] |= (numbers >= first) & (numbers < first + prefix.num_addresses)
    ipv6 = [prefix for prefix in prefixes if prefix.version == 6]
    for place, text in enumerate(addresses):
        if ":" in text:
            found[place] = any(ipaddress.ip_address(text) in prefix for prefix in ipv6)
    return found


def _with_addresses(rows: pa.Table, internal_cidrs: Sequence[str], parameters: PairParameters) -> pa.Table:
    """The rows with what their peers' addresses say: `internal` and `network`."""
    peers = rows["peer_ip"].combine_chunks().dictionary_encode()
    addresses = peers.dictionary.to_pylist()
    inside = pa.array(is_internal(addresses, internal_cidrs)).take(peers.indices)
    names = pa.array(networks(addresses, parameters.ipv6_network_bits), pa.string()).take(peers.indices)
    return rows.append_column("internal", inside).append_column("network", names)
