"""The activity of pairs: those of a window, their last 24 hours, and what is new about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.detection.pairs.contacts import Contacts, changes, networks
from common.detection.pairs.day_pairs import DayPairs
from common.detection.pairs.day_sums import OF_DAY, DaySums, PairSlices, day_sums
from common.detection.pairs.first_seen import FirstContacts, Novelty
from common.detection.pairs.reading import SUMS, PairReader, Slices, midnight, window_number
from common.detection.parameters import PairParameters
from common.errors import TableError
from common.lake.lake import Lake
from common.windows import WINDOW, Windows


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
    - for each of `NOVELTIES` the columns that `Novelty.columns` adds.

    With `hosts`, only theirs; all hosts still count as others.

    Raises:
        TableError: a table is missing or unreadable.
    """
    days = windows.by_day()
    reader = PairReader(lake, parameters, keeps=len(days) > 1)
    for day in days:
        try:
            activity = _of_day(reader, day, internal_cidrs, parameters, hosts)
        except OverflowError:
            raise TableError(
                f"delta_pair and pair_days in {lake.uri} name too many hosts, peers and services for {day}",
                "Take networks that are not yours out of internal_cidrs, and rebuild the slices",
            ) from None
        if activity is not None:
            yield activity


def activity_of(
    lake: Lake, windows: Windows, internal_cidrs: Sequence[str], parameters: PairParameters
) -> pa.Table | None:
    """All that `read_activity` gives for the windows, in one table; None where there is nothing."""
    parts = list(read_activity(lake, windows, internal_cidrs, parameters))
    return pa.concat_tables(parts).combine_chunks() if parts else None


def _of_day(
    reader: PairReader,
    day: Windows,
    internal_cidrs: Sequence[str],
    parameters: PairParameters,
    hosts: Sequence[str] | None,
) -> pa.Table | None:
    """The pairs of a day's windows; None without any."""
    met: list[Contacts] = []
    present: list[Slices] = []
    for part in reader.slices(day):
        met.append(part.contacts)
        present.append(part if hosts is None else part.of_hosts(hosts))
    present = [part for part in present if len(part.table)]
    if not present:
        return None
    memory, first = parameters.memory_windows, window_number(day.start)
    last = max(int(part.contacts.start.max()) for part in present)
    pairs = DayPairs.of(present)
    contacts = FirstContacts(pairs.keys, first, last, parameters)

    def slices() -> Iterator[PairSlices]:
        for part in present:
            yield pairs.slices(part, pairs.keys.of_contacts(part.contacts))
        for part in reader.slices(Windows(day.start - (memory - 1) * WINDOW, day.start)):
            keys, start = pairs.keys.of_contacts(part.contacts), part.contacts.start
            today = start >= midnight(day.start)
            contacts.add(keys[today], start[today])
            yield pairs.slices(part, keys)

    sums = [*day_sums(slices(), len(pairs.codes), first, last, memory)][::-1]
    for some in chain(met, reader.days_before(day.start.date())):
        contacts.add(pairs.keys.of_contacts(some), some.start)
    return _table(pairs, sums, day, contacts.novelty(pairs.codes), internal_cidrs, parameters)


def _with_addresses(rows: pa.Table, internal_cidrs: Sequence[str], parameters: PairParameters) -> pa.Table:
    """The rows with what their peers' addresses say: `internal` and `network`."""
    peers = rows["peer_ip"].chunk(0)
    addresses = peers.dictionary.to_pylist()
    inside = pa.array(are_internal(peers.dictionary, internal_cidrs)).take(peers.indices)
    names = pa.array(networks(addresses, parameters.ipv6_network_bits), pa.string()).dictionary_encode()
    network = pa.DictionaryArray.from_arrays(names.indices.take(peers.indices), names.dictionary)
    return rows.append_column("internal", inside).append_column("network", network)


def _table(
    pairs: DayPairs,
    sums: list[DaySums],
    day: Windows,
    novelty: Novelty,
    internal_cidrs: Sequence[str],
    parameters: PairParameters,
) -> pa.Table:
    """One row per pair and window, of hosts that send or that answered anybody in the window."""
    pair = np.concatenate([part.pair for part in sums])
    window = np.concatenate([np.full(len(part.pair), part.window) for part in sums])
    columns = {name: np.concatenate([part.now[name] for part in sums]) for name in SUMS}
    columns |= {f"{name}_day": np.concatenate([part.day[name] for part in sums]) for name in OF_DAY}
    host = np.asarray(pairs.texts["host_ip"].chunk(0).indices)[pair]
    answers = columns["failed_day"] < columns["sessions_day"]
    first = changes(window * (int(host.max()) + 1) + host)  # of the rows of each window and host
    cell = np.repeat(np.arange(len(first)), np.diff(first, append=len(host)))
    alive = np.bincount(cell, novelty.sends[pair] | answers)[cell] > 0
    pair, window = pair[alive], window[alive]
    columns = {name: values[alive].astype(np.float64) for name, values in columns.items()}
    answered = columns["failed_day"] <= parameters.failed_share_max * columns["sessions_day"]
    outbound = np.asarray(pc.equal(pairs.texts["role"].chunk(0).cast(pa.string()), "outbound"))
    columns |= novelty.columns(pair, window, answered & outbound[pair])
    table = _with_addresses(pairs.texts, internal_cidrs, parameters).take(pa.array(pair)).combine_chunks()
    since = (window - window_number(day.start)) * (WINDOW // timedelta(microseconds=1))
    starts = pa.array(np.datetime64(day.start.replace(tzinfo=None), "us") + since.astype("timedelta64[us]"))
    columns = {"window_start_ts": starts.cast(pa.timestamp("us", "UTC")), "window_number": window} | columns
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table
