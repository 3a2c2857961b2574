"""Pairs as the lake holds them: slices of 15 minutes and first contacts of 30 days, read as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Integers
from common.calendar.entries import Calendar, read_calendar
from common.calendar.left_out import LeftOut
from common.detection.pairs.contacts import Contacts, Numbering, Small, of_texts, seconds, window_numbers
from common.detection.pairs.owners import Owners, OwnersFile
from common.detection.pairs.words import WORDS
from common.detection.parameters import PairParameters
from common.lake.host_ranges import ALL_HOSTS, HostRange
from common.lake.pieces import pieces, rows_by
from common.lake.reader import LakeReader
from common.threats import SEVERITY
from common.windows import WINDOW, WINDOW_SECONDS, Windows

TABLES = ("delta_pair", "pair_days")
PAIR = ("host_ip", "role", "peer_ip", "peer_port")
TEXTS = ("host_ip", "role", "peer_ip", "segment_id", *WORDS)
SUMS = {"sessions": "sessions_cnt", "failed": "failed_cnt", "sent": "bytes_src_sum", "received": "bytes_dst_sum"}
GAPS = {"gap_s": "gap_sum_s", "gap_sq_s": "gap_sq_sum_s"}
TIMES = ("first_ts", "last_ts")
QUANTITIES = [*SUMS.values(), *GAPS.values(), *TIMES]
SLICE_COLUMNS = [*PAIR, "segment_id", *WORDS, SEVERITY, "window_start_ts", *QUANTITIES]
UNSAID_COLUMNS = [*PAIR, "window_start_ts", *QUANTITIES]
EARLIER_COLUMNS = [*UNSAID_COLUMNS, *WORDS]
CONTACT_COLUMNS = [*PAIR, *WORDS, "window_start_ts"]
DAY_COLUMNS = [*PAIR, *WORDS, "first_slice_ts"]
LASTING_COLUMNS = [*DAY_COLUMNS, "last_slice_ts", "slices_cnt"]
SLICES_AT_ONCE = 500_000


def has_pairs(lake: LakeReader) -> bool:
    """Whether the lake has the tables that pairs are read from."""
    return all(lake.exists(name) for name in TABLES)


@dataclass(frozen=True, eq=False)
class Slices:
    """Rows of `delta_pair`, as they are and as contacts."""

    table: pa.Table
    contacts: Contacts

    def part(self, rows: NDArray[Any]) -> Slices:
        """Those rows, given by a mask."""
        return Slices(self.table.filter(pa.array(rows)), self.contacts.part(rows))

    def of_hosts(self, hosts: Sequence[str]) -> Slices:
        """The rows of these hosts."""
        wanted = pa.array(hosts, pa.string())
        return self.part(of_texts(self.table["host_ip"], lambda texts: np.asarray(pc.is_in(texts, wanted))))


@dataclass(frozen=True, eq=False)
class Days:
    """Rows of `pair_days`: contacts that begin in the first window, with the last one and how many there were.

    Of dates on which no lasting contact can have begun, the first window counts as the only one.
    """

    contacts: Contacts
    last: Small
    windows: Small


class PairReader:
    """Reads slices of the hosts, and for each date the contacts of the look-back.

    Of `pair_days`, only the dates that it has are read; with `keeps` each once, and kept for as long as later dates
    look back at it. The date that is still going on is not among them; its slices are contacts themselves. A contact of
    which either side lay in the calendar does not make known, once the entry is over.
    """

    def __init__(
        self,
        lake: LakeReader,
        parameters: PairParameters,
        keeps: bool = False,
        hosts: HostRange = ALL_HOSTS,
        owners: OwnersFile | None = None,
    ) -> None:
        self._lake, self._parameters, self._keeps, self._hosts = lake, parameters, keeps, hosts
        self._rows_of = rows_by(lake, "pair_days", "date")
        self._owners = Owners(owners, parameters.ipv6_network_bits) if owners else None
        self._numbering = Numbering(parameters.ipv6_network_bits, self._owners.of if self._owners else None)
        self._days: dict[str, Days] = {}
        self._over = Calendar()

    @cached_property
    def _calendar(self) -> Calendar:
        return read_calendar(self._lake)

    @property
    def owner_names(self) -> Mapping[int, str]:
        """The names of the owners of all peers read so far, by their numbers."""
        return self._owners.names if self._owners else {}

    def slices(self, windows: Windows, columns: Sequence[str] = SLICE_COLUMNS) -> Iterator[Slices]:
        """The slices of the windows, the last ones first, few at a time, with these columns.

        Raises:
            TableError: the table is missing or unreadable.
        """
        end, length, coded = windows.end, 1, [name for name in TEXTS if name in columns]
        while end > windows.start:
            start = max(end - length * WINDOW, windows.start)
            table = self._lake.arrow("delta_pair", columns, Windows(start, end), coded=coded, hosts=self._hosts)
            if len(table):
                yield Slices(table, self._numbering.contacts(table, window_numbers(table["window_start_ts"])))
            length = max(1, min(SLICES_AT_ONCE * length // max(len(table), 1), len(windows)))
            end = start

    def days_before(self, today: date) -> Iterator[Days]:
        """The rows of the dates that the look-back of `today` reaches, oldest first; small dates together.

        Raises:
            TableError: the table is missing or unreadable.
        """
        dates = [f"{today - timedelta(days=age):%Y-%m-%d}" for age in range(self._parameters.lookback_days, 0, -1)]
        days = [day for day in dates if day in self._rows_of]
        lasting = dates[-self._parameters.lasting_days :]
        over = self._calendar.over(datetime.combine(today, time(), UTC))
        if over != self._over:
            self._days, self._over = {}, over
        if not self._keeps:
            for some in pieces({day: self._rows_of[day] for day in days}, SLICES_AT_ONCE):
                yield self._rows(some, some[-1] in lasting)
            return
        self._days = {day: self._days.get(day) or self._rows([day], day in lasting) for day in days}
        yield from self._days.values()

    def _rows(self, days: Sequence[str], lasting: bool) -> Days:
        """The rows of dates; with their last windows and the number of windows if contacts of one of them may last."""
        columns = LASTING_COLUMNS if lasting else DAY_COLUMNS
        table = self._lake.arrow(
            "pair_days", columns, equal={"date": days}, coded=[*PAIR[:3], *WORDS], hosts=self._hosts
        )
        kept = LeftOut(self._over).kept(table["first_slice_ts"], table["host_ip"], table["peer_ip"])
        table = table if kept.all() else table.filter(pa.array(kept))
        contacts = self._numbering.contacts(table, window_numbers(table["first_slice_ts"]))
        if not lasting:
            return Days(contacts, contacts.start, np.ones_like(contacts.start))
        last, windows = window_numbers(table["last_slice_ts"]), table["slices_cnt"].to_numpy()
        return Days(contacts, last.astype(np.int32), windows.astype(np.int32))


def quantities(table: pa.Table) -> dict[str, Integers]:
    """The quantities of slices as whole numbers, whose sums are the same in whatever order they are made."""
    found = {name: table[column].to_numpy() for name, column in SUMS.items()}
    found |= {name: np.rint(table[column].to_numpy()).astype(np.int64) for name, column in GAPS.items()}
    return found | {name: seconds(table[name]) for name in TIMES}


def window_number(moment: datetime) -> int:
    """The number of the window that starts at that time, or of the last one that starts before it."""
    return int(moment.timestamp()) // WINDOW_SECONDS


def midnight(moment: datetime) -> int:
    """The number of the window in which the UTC date began."""
    return window_number(datetime.combine(moment.date(), time(), UTC))
