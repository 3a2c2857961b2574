"""The activity of pairs: those of a window, their last 24 hours, and what is new about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.arrays import Integers
from common.detection.pairs.contacts import Contacts, changes
from common.detection.pairs.day_pairs import DayPairs
from common.detection.pairs.day_sums import OF_DAY, DaySums, PairSlices, day_sums
from common.detection.pairs.evidence import NOVELTIES
from common.detection.pairs.first_seen import ANY, FirstContacts, Met, Own, any_of
from common.detection.pairs.group_codes import group_codes
from common.detection.pairs.lasting import HostsSeen, Lasting
from common.detection.pairs.owners import OwnersFile
from common.detection.pairs.pair_keys import PairKeys
from common.detection.pairs.reading import (
    EARLIER_COLUMNS,
    SUMS,
    UNSAID_COLUMNS,
    PairReader,
    Slices,
    midnight,
    window_number,
)
from common.detection.pairs.said import FirstWords, PairWords, with_words
from common.detection.pairs.word_keys import WordKeys
from common.detection.pairs.words import WORDS
from common.detection.parameters import PairParameters
from common.lake.reader import LakeReader
from common.windows import WINDOW, Windows


def read_activity(
    lake: LakeReader,
    windows: Windows,
    internal_cidrs: Sequence[str],
    parameters: PairParameters,
    hosts: Sequence[str] | None = None,
    owners: OwnersFile | None = None,
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
    - `lasting_windows`, `lasting_span` and `lasting_gap_sq`, what a lasting contact did so far (see `Lasting.columns`);
    - `internal`, whether the peer is, `network`, the code of its /24 or /64, and `group`, that of the role, the network
      and the port together;
    - `owner`, who the network belongs to by the file of `owners`, as `AS64500 Example Hosting`; null where that is not
      known;
    - for each of `NOVELTIES` the columns that `Novelty.columns` adds.

    With `hosts`, only theirs; all hosts still count as others.

    Raises:
        TableError: a table is missing or unreadable.
    """
    days = windows.by_day()
    reader = PairReader(lake, parameters, keeps=len(days) > 1, owners=owners)
    for day in days:
        met = [*reader.slices(day)]
        present = [mine for part in met if len((mine := part if hosts is None else part.of_hosts(hosts)).table)]
        if present:
            targets = Targets.of([part.contacts for part in present], day)
            contacts = [part.contacts for part in met]
            own = own_activity(reader, day, targets, internal_cidrs, parameters, (present, contacts))
            assert own.rows is not None
            yield with_others(own.rows, own.met, parameters)


def activity_of(
    lake: LakeReader,
    windows: Windows,
    internal_cidrs: Sequence[str],
    parameters: PairParameters,
    owners: OwnersFile | None = None,
) -> pa.Table | None:
    """All that `read_activity` gives for the windows, in one table; None where there is nothing."""
    parts = list(read_activity(lake, windows, internal_cidrs, parameters, owners=owners))
    return pa.concat_tables(parts).combine_chunks() if parts else None


@dataclass(frozen=True, eq=False)
class Targets:
    """What the pairs of some windows are with, and the numbers of the first of the windows and of the last with pairs.

    Parts of the hosts that look at the same targets can be put together.
    """

    keys: PairKeys
    words: Sequence[WordKeys]
    first: int
    last: int

    @classmethod
    def of(cls, contacts: Sequence[Contacts], windows: Windows) -> Targets:
        """The targets of the contacts of these windows."""
        last = max(int(part.start.max()) for part in contacts)
        words = [WordKeys.of(name, [part.words for part in contacts]) for name in WORDS]
        return cls(PairKeys.of(contacts), words, window_number(windows.start), last)


@dataclass(frozen=True, eq=False)
class OwnActivity:
    """The pairs of some hosts with what the hosts themselves did, and what these hosts say to others' pairs.

    `rows`, None where none of the hosts has any pair, has the columns of `read_activity`, but in place of those of
    novelty for each of `NOVELTIES` `_value` and `_start` and `host_begun` (see `Own`); and `judged`, whether the row
    can be common.
    """

    rows: pa.Table | None
    met: Met


def own_activity(
    reader: PairReader,
    windows: Windows,
    targets: Targets,
    internal_cidrs: Sequence[str],
    parameters: PairParameters,
    seen: tuple[Sequence[Slices], Sequence[Contacts]] | None = None,
) -> OwnActivity:
    """The activity of the reader's hosts in windows of a UTC date.

    `seen` has the slices of the windows to look at, and the contacts of all; without it, they are those of the reader.

    Raises:
        TableError: a table is missing or unreadable, or names too many hosts, peers and services.
    """
    if seen is None:
        present: Sequence[Slices] = [*reader.slices(windows)]
        met: Sequence[Contacts] = [part.contacts for part in present]
    else:
        present, met = seen
    memory, keys = parameters.memory_windows, targets.keys
    contacts = FirstContacts(keys, targets.first, targets.last, parameters)
    words = FirstWords(targets.words, targets.first, targets.last, parameters)
    pairs = DayPairs.of(present, keys) if present else None
    lasting = Lasting(len(pairs.codes) if pairs else 0, midnight(windows.start))
    hosts = HostsSeen()

    def earlier() -> Iterator[tuple[Slices, Integers]]:
        before = Windows(windows.start - (memory - 1) * WINDOW, windows.start)
        for day in reversed(before.by_day()):  # days before this one are contacts of `pair_days`, with their words
            is_today = day.start.date() == windows.start.date()
            for part in reader.slices(day, EARLIER_COLUMNS if is_today else UNSAID_COLUMNS):
                found = keys.of_contacts(part.contacts)
                if is_today:
                    contacts.add(found, part.contacts.start)
                    words.add(part.contacts)
                yield part, found

    def slices(pairs: DayPairs) -> Iterator[PairSlices]:
        now = ((part, keys.of_contacts(part.contacts)) for part in present)
        for part, found in chain(now, earlier()):
            some = pairs.slices(part, found)
            lasting.add_windows(some.pair, some.window)
            yield some

    if pairs:
        sums = [*day_sums(slices(pairs), len(pairs.codes), targets.first, targets.last, memory)][::-1]
    else:
        deque(earlier(), maxlen=0)
    for some in met:
        contacts.add(keys.of_contacts(some), some.start)
        words.add(some)
    for days in reader.days_before(windows.start.date()):
        found = keys.of_contacts(days.contacts)
        contacts.add(found, days.contacts.start)
        words.add(days.contacts)
        hosts.add(days.contacts)
        if pairs:
            pair, known = pairs.numbers_of(found)
            lasting.add_days(pair, days.contacts.start[known], days.last[known], days.windows[known])
    own, of_hosts = contacts.of(pairs.codes if pairs else np.zeros(0, dtype=np.int64))
    if not pairs:
        return OwnActivity(None, with_words(of_hosts, words.met()))
    host = keys.parts(pairs.codes)[0]
    since = hosts.of(host)

    def lasted(pair: Integers, window: Integers) -> dict[str, Integers]:
        return lasting.columns(pair, window, since[pair], parameters)

    described = _described(pairs, internal_cidrs, reader.owner_names).append_column("host", pa.array(host))
    rows = _table(described, sums, windows, own, lasted, parameters, PairWords(present, pairs))
    rows, met_words = words.known_to(rows.drop_columns(["host"]), rows["host"].to_numpy())
    return OwnActivity(rows, with_words(of_hosts, met_words))


def with_others(rows: pa.Table, met: Met, parameters: PairParameters) -> pa.Table:
    """The rows of `OwnActivity` with what is new about them: the columns of `read_activity`."""
    own, start = (
        {what: rows[f"{what}_{name}"].to_numpy() for what in (*NOVELTIES, *WORDS)} for name in ("value", "start")
    )
    begun = {ANY: rows["host_begun"].to_numpy()} | {any_of(word): rows[f"{word}_begun"].to_numpy() for word in WORDS}
    window = rows["window_number"].to_numpy()
    columns = met.columns(own, start, begun, window, np.asarray(rows["judged"]), parameters)
    used = [f"{what}_{name}" for what in (*NOVELTIES, *WORDS) for name in ("value", "start")]
    rows = rows.drop_columns(["judged", "host_begun", *(f"{word}_begun" for word in WORDS), *used])
    for name, values in columns.items():
        rows = rows.append_column(name, pa.array(values))
    return rows


def _described(pairs: DayPairs, internal_cidrs: Sequence[str], owner_names: Mapping[int, str]) -> pa.Table:
    """The texts of the pairs with `internal`, `network`, `group` and `owner`."""
    peers = (
        pairs.texts["peer_ip"].chunk(0).cast(pa.string()).dictionary_encode()
    )  # of a file, it has those of others, too
    inside = pa.array(are_internal(peers.dictionary, internal_cidrs)).take(peers.indices)
    network, service = pairs.keys.networks_and_services(pairs.codes)
    rows = pairs.texts.append_column("internal", inside).append_column("network", pa.array(network))
    owner, place = np.unique(pairs.keys.owners_of(pairs.codes), return_inverse=True)
    names = pa.array([owner_names.get(number) for number in owner.tolist()], pa.string())
    rows = rows.append_column("owner", names.take(pa.array(place)).dictionary_encode())
    return rows.append_column("group", pa.array(group_codes(network, service)))


def _table(
    pairs: pa.Table,
    sums: list[DaySums],
    windows: Windows,
    own: Own,
    lasted: Callable[[Integers, Integers], dict[str, Integers]],
    parameters: PairParameters,
    said: PairWords,
) -> pa.Table:
    """One row per described pair and window, of hosts that send or that answered anybody in the window."""
    pair = np.concatenate([part.pair for part in sums])
    window = np.concatenate([np.full(len(part.pair), part.window) for part in sums])
    columns = {name: np.concatenate([part.now[name] for part in sums]) for name in SUMS}
    columns |= {f"{name}_day": np.concatenate([part.day[name] for part in sums]) for name in OF_DAY}
    host = np.asarray(pairs["host_ip"].chunk(0).indices)[pair]
    answers = columns["failed_day"] < columns["sessions_day"]
    first = changes(window * (int(host.max()) + 1) + host)  # of the rows of each window and host
    cell = np.repeat(np.arange(len(first)), np.diff(first, append=len(host)))
    alive = np.bincount(cell, own.sends[pair] | answers)[cell] > 0
    pair, window = pair[alive], window[alive]
    columns = {name: values[alive].astype(np.float64) for name, values in columns.items()}
    columns |= lasted(pair, window)
    words = said.of(pair, window)
    answered = columns["failed_day"] <= parameters.failed_share_max * columns["sessions_day"]
    outbound = np.asarray(pc.equal(pairs["role"].chunk(0).cast(pa.string()), "outbound"))
    columns |= {"judged": answered & outbound[pair], "host_begun": own.begun[pair]}
    columns |= {f"{what}_value": own.value[what][pair] for what in NOVELTIES}
    columns |= {f"{what}_start": own.start[what][pair] for what in NOVELTIES}
    table = pairs.take(pa.array(pair)).combine_chunks()
    since = (window - window_number(windows.start)) * (WINDOW // timedelta(microseconds=1))
    starts = pa.array(np.datetime64(windows.start.replace(tzinfo=None), "us") + since.astype("timedelta64[us]"))
    columns = {"window_start_ts": starts.cast(pa.timestamp("us", "UTC")), "window_number": window} | columns | words
    for name, values in columns.items():
        table = table.append_column(name, values if isinstance(values, pa.Array) else pa.array(values))
    return table
