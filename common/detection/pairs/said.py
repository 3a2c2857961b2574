"""What the logs of pairs say in each window, and when hosts first said it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from common.detection.pairs.contacts import Contacts, Small, places
from common.detection.pairs.day_pairs import DayPairs
from common.detection.pairs.first_seen import FirstContacts, Met
from common.detection.pairs.reading import Slices
from common.detection.pairs.word_keys import WordKeys
from common.detection.pairs.words import WORDS, word_codes
from common.detection.parameters import PairParameters
from common.most_said import Said
from common.threats import SEVERITY


class FirstWords:
    """When hosts first said the words of the pairs of some windows, as `FirstContacts` of each of `WORDS`."""

    def __init__(self, keys: Sequence[WordKeys], first: int, last: int, parameters: PairParameters) -> None:
        self._keys = keys
        self._firsts = [FirstContacts(of_word, first, last, parameters) for of_word in keys]

    def add(self, contacts: Contacts) -> None:
        """Adds contacts of any hosts."""
        for keys, first in zip(self._keys, self._firsts, strict=True):
            found, said = keys.of_rows(contacts.host, contacts.words)
            if len(found):
                first.add(found, contacts.start[said])

    def known_to(self, rows: pa.Table, host: Integers) -> tuple[pa.Table, list[Met]]:
        """The rows, which are of hosts with these numbers, with `_value`, `_start` and `_begun` of each of their words
        (see `Own`); and how many of the hosts that were added had said them.
        """
        inbound = np.asarray(pc.equal(rows["role"].cast(pa.string()), "inbound"), dtype=np.int64)
        words, met = word_codes(rows, rows["peer_port"].to_numpy().astype(np.int64) * 2 + inbound), []
        for keys, first in zip(self._keys, self._firsts, strict=True):
            found, said = keys.of_rows(host, words)
            own, of_hosts = first.of(found)
            met.append(of_hosts)
            value, start, begun = np.full(len(rows), -1), np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
            value[said], start[said], begun[said] = own.value[keys.name], own.start[keys.name], own.begun
            for name, column in (("value", value), ("start", start), ("begun", begun)):
                rows = rows.append_column(f"{keys.name}_{name}", pa.array(column))
        return rows, met

    def met(self) -> list[Met]:
        """How many of the hosts that were added had said what."""
        return [first.of(np.zeros(0, dtype=np.int64))[1] for first in self._firsts]


class PairWords:
    """What logs say of pairs in each window, whatever the protocol: the words of most of their sessions, and the
    highest severity of threats.
    """

    def __init__(self, present: Sequence[Slices], pairs: DayPairs) -> None:
        self._pairs, self._said = len(pairs.codes), {name: Said() for name in WORDS}
        self._threats: list[tuple[Integers, Integers]] = []
        for part in present:
            pair, _ = pairs.numbers_of(pairs.keys.of_contacts(part.contacts))
            groups, sessions = self._groups(pair, part.contacts.start), part.table["sessions_cnt"].to_numpy()
            for name, said in self._said.items():
                said.add(groups, part.table[name], sessions)
            severity = np.asarray(part.table[SEVERITY].fill_null(0))
            found = np.flatnonzero(severity)
            self._threats.append((groups[found], severity[found]))

    def of(self, pair: Integers, window: Integers) -> dict[str, pa.Array]:
        """That of pairs in windows, which rise, and the pairs in each: null for no word, severity 0 for no threat."""
        groups = self._groups(pair, window)
        severity = np.zeros(len(groups), dtype=np.int8)
        of_threats, threats = (np.concatenate(some) for some in zip(*self._threats, strict=True))
        place, known = places(groups, of_threats)
        np.maximum.at(severity, place[known], threats[known].astype(np.int8))
        words = {name: said.most(groups) for name, said in self._said.items()}
        return words | {SEVERITY: pa.array(severity)}

    def _groups(self, pair: Integers | Small, window: Integers | Small) -> Integers:
        return window.astype(np.int64) * self._pairs + pair


def with_words(met: Met, words: Sequence[Met]) -> Met:
    """What hosts met, and what they said."""
    firsts, counts = dict(met.firsts), dict(met.counts)
    for some in words:
        firsts |= some.firsts
        counts |= some.counts
    return replace(met, firsts=firsts, counts=counts)
