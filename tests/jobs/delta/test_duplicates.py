"""Of the records of a run that are the same, one counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from common.contracts.session import DUPLICATE_KEY
from common.logs.duplicates import identifiable
from common.runtime.engine import Engine
from jobs.delta.duplicates import NUMBERED, SUSPECTS, duplicates, has_duplicates, have_own_numbers
from jobs.delta.kept import PLACES
from tests.jobs.delta.deliveries import FIRST

SCHEMA = pa.schema([field for field in SUSPECTS if field.name not in PLACES.names])
PIECES, ROWS = 3, 40


@dataclass
class Rows:
    """A piece that is read in two tables."""

    table: pa.Table

    @property
    def most(self) -> int:
        return len(self.table)

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        yield from (self.table.slice(0, 15).select(columns), self.table.slice(15).select(columns))


@dataclass
class Pieces:
    tables: list[pa.Table]

    def pieces(self) -> Iterator[Rows]:
        yield from map(Rows, self.tables)


def random_rows(dice: Random) -> list[dict[str, object]]:
    """Few different records, some of which nothing tells from others, with nulls wherever they may be."""
    return [
        {
            "device_serial": dice.choice(("a", None)),
            "session_id": dice.choice(("1", "2", "0", None)),
            "start_ts": FIRST.start,
            "event_type": dice.choice(("TRAFFIC", "TRAFFIC", "THREAT")),
            "subtype": dice.choice(("end", None)),
            "sequence_number": dice.choice((1, None)),
            "slice": dice.randrange(2),
            "duration_s": dice.choice((1.0, 2.0, None)),
            "end_ts": FIRST.start + timedelta(seconds=dice.randrange(2)),
        }
        for _ in range(ROWS)
    ]


def expected(pieces: Sequence[pa.Table]) -> set[tuple[int, int]]:
    """The places of the duplicates, found one record at a time."""
    in_window: dict[tuple[object, ...], list[tuple[float, int, int]]] = defaultdict(list)
    rows = {}
    for number, table in enumerate(pieces):
        told = identifiable(table).to_pylist()
        for at, row in enumerate(table.to_pylist()):
            if told[at]:
                rows[number, at] = row
                length = -1.0 if row["duration_s"] is None else row["duration_s"]
                in_window[*(row[name] for name in DUPLICATE_KEY), row["slice"]].append((-length, number, at))
    copies = {place[1:]: order > 0 for group in in_window.values() for order, place in enumerate(sorted(group))}
    across: dict[tuple[object, ...], list[tuple[int, int, int]]] = defaultdict(list)
    for place, row in rows.items():
        across[*(row[name] for name in DUPLICATE_KEY), row["end_ts"], copies[place]].append((row["slice"], *place))
    later = {place[1:] for group in across.values() for place in sorted(group)[1:]}
    return later | {place for place, is_copy in copies.items() if is_copy}


@pytest.mark.parametrize("seed", range(3))
def test_the_longest_of_a_window_and_the_first_of_several_counts(tmp_path: Path, seed: int) -> None:
    dice = Random(seed)
    tables = [pa.Table.from_pylist(random_rows(dice), SCHEMA) for _ in range(PIECES)]
    found = duplicates(Pieces(tables), Engine("sail"), tmp_path).to_pylist()
    places = {(row["piece"], row["row"]) for row in found}
    assert places == expected(tables)
    assert len(places) == len(found) > PIECES * ROWS // 5
    assert has_duplicates(Pieces(tables), Engine("sail"))


def test_records_that_nothing_tells_from_others_are_no_duplicates(tmp_path: Path) -> None:
    row = random_rows(Random(0))[0] | {"session_id": "0", "sequence_number": None}
    kept = Pieces([pa.Table.from_pylist([row, row], SCHEMA)])
    assert len(duplicates(kept, Engine("sail"), tmp_path)) == 0
    assert not has_duplicates(kept, Engine("sail"))


A, B = {"device_serial": "a"}, {"device_serial": "b"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([A | {"sequence_number": 1}, A | {"sequence_number": 2}, B | {"sequence_number": 1}], True),
        ([A | {"sequence_number": 1}, B | {"sequence_number": 2}, A | {"sequence_number": 1}], False),
        ([A | {"sequence_number": 1}, A | {"sequence_number": None}], False),
        ([A | {"sequence_number": 1}, {"device_serial": None, "sequence_number": 2}], False),
        ([A | {"sequence_number": -(2**62)}, B | {"sequence_number": 2**62}], True),
    ],
    ids=["apart", "twice", "no number", "no device", "far apart"],
)
def test_numbers_of_a_device_tell_its_records_apart(rows: list[dict[str, object]], expected: bool) -> None:
    kept = Pieces([pa.Table.from_pylist([row], NUMBERED) for row in rows])
    assert have_own_numbers(kept, Engine("sail")) == expected
