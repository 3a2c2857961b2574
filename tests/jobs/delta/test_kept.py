"""The table `sessions` holds exactly the records that the windows count, with all their columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.contracts.session import SESSION_COLUMNS
from common.windows import Windows
from jobs.delta.kept import PLACES, StagedPiece, parts_of, without
from jobs.delta.staged import StagedFile
from tests.conftest import Stages, write_sessions
from tests.factories import session as session_row
from tests.factories import sessions, threat
from tests.jobs.delta.deliveries import FIRST, Delivery, deliver_all, record, rows_of, window

RARE = {"rule": "web", "src_zone": "trust", "dst_zone": "dmz", "src_user": "acme\\ann", "src_port": 51_234}


def lines(stages: Stages, *names: str) -> list[tuple[object, ...]]:
    found = stages.lake.arrow("sessions", ["source_line", *names]).sort_by("source_line")
    return [tuple(row.values()) for row in found.to_pylist()]


@pytest.mark.parity
@pytest.mark.parametrize("parsed", [False, True], ids=["scanned", "parsed"])
def test_every_column_of_every_record_that_counts_is_kept(stages: Stages, tmp_path: Path, parsed: bool) -> None:
    rows = [session_row(**RARE, source_line=1), session_row(source_line=2, src_user=None, sequence_number=None)]
    if parsed:  # none of these is scanned in place
        rows += [rows[0] | {"source_line": 3}, session_row(subtype="start", source_line=4), threat(source_line=5)]
    path = write_sessions(sessions(*rows), tmp_path / "in.parquet")
    report = stages.delta("2026-03-10T13:08Z", path)
    assert ("parse" in [step["step"] for step in report.steps]) == parsed
    found = stages.lake.arrow("sessions").sort_by("source_line").to_pylist()
    kept = [row for row in rows if row["source_line"] not in (3, 4)]
    names = [column.name for column in SESSION_COLUMNS]
    assert [[row[name] for name in names] for row in found] == [[row.get(name) for name in names] for row in kept]
    assert [(row["source_file"], row["source_line"]) for row in found] == [(path, row["source_line"]) for row in kept]
    assert {row["window"] for row in found} == {"20260310T1308Z"}
    assert report.tables["sessions"]["rows"] == len(kept)
    order = [table for table in report.tables if table.startswith(("sessions", "delta"))]
    assert order == ["sessions_rejected", "sessions", "delta_pair", "delta_host"]


@pytest.mark.slow
@pytest.mark.parametrize("subtype", ["end", "start"], ids=["scanned", "parsed"])
def test_what_another_window_counts_is_kept_there_alone(stages: Stages, tmp_path: Path, subtype: str) -> None:
    """Also where the columns that tell a record from others are null."""
    own = [*rows_of(0, 3), record(50, window(0).end, device_serial=None, sequence_number=None)]
    more = [record(60, window(1).start, subtype=subtype)]
    folders = deliver_all(tmp_path, [Delivery(0, "a", tuple(own)), Delivery(1, "b", (*rows_of(1, 2, 10), *own, *more))])
    for one, path in folders.items():
        stages.delta(str(window(one.window)), path)
    found = stages.lake.arrow("sessions", ["window", "dst_ip"]).to_pylist()
    in_pairs = stages.lake.arrow("delta_pair", ["window", "peer_ip"]).to_pylist()
    assert Counter(map(tuple, map(dict.values, found))) == Counter(map(tuple, map(dict.values, in_pairs)))
    assert len(found) == len(own) + 2 + (subtype == "end")


class Numbers:
    """A piece of two tables with the numbers from 0 to 4."""

    most = 5

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        yield from (pa.table({"number": numbers}) for numbers in ([0, 1, 2], [3, 4]))


class Three:
    """Three such pieces."""

    def pieces(self) -> Iterator[Numbers]:
        yield from (Numbers(), Numbers(), Numbers())


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], [[0, 1, 2, 3, 4]] * 3),
        ([(2, 3), (0, 2), (0, 0)], [[1, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2, 4]]),
        ([(1, row) for row in range(5)], [[0, 1, 2, 3, 4], [], [0, 1, 2, 3, 4]]),
    ],
    ids=["none", "in any order", "a whole piece"],
)
def test_rows_are_left_out_by_their_places(places: list[tuple[int, int]], expected: list[list[int]]) -> None:
    named = pa.Table.from_pylist([dict(zip(PLACES.names, place, strict=True)) for place in places], PLACES)
    left = [[*piece.rows()] for piece in without(Three(), named).pieces()]
    assert [pa.concat_tables(rows)["number"].to_pylist() for rows in left] == expected


@pytest.mark.parametrize(
    ("most", "expected"), [(1, [[0], [1], [2]]), (10, [[0, 1], [2]]), (14, [[0, 1], [2]]), (15, [[0, 1, 2]])]
)
def test_parts_have_as_many_pieces_as_rows_allow(most: int, expected: list[list[int]]) -> None:
    parts = parts_of(Three().pieces(), most)
    assert [[number for number, _ in part] for part in parts] == expected


def test_a_range_keeps_each_record_in_its_window(stages: Stages, tmp_path: Path) -> None:
    """Of a file without a batch folder; the two records outside the range are of no window."""
    rows = [row for at in range(4) for row in rows_of(at, 2, 10 * at)]
    path = write_sessions(sessions(*rows), tmp_path / "all.parquet")
    stages.delta(f"{window(0)}/{window(3)}", path)
    assert lines(stages, "window", "end_ts") == [
        (line, window(at // 2).key, rows[at]["end_ts"]) for at, line in enumerate(range(1, 7))
    ]


def test_a_window_that_is_run_again_is_replaced(stages: Stages, tmp_path: Path) -> None:
    for name, rows in (("a", rows_of(0, 4)), ("b", rows_of(0, 2))):
        stages.delta(str(FIRST), write_sessions(sessions(*rows), tmp_path / f"{name}.parquet"))
    assert lines(stages, "source_file") == [(1, str(tmp_path / "b.parquet")), (2, str(tmp_path / "b.parquet"))]
    assert stages.lake.version("sessions") == 2


def test_a_damaged_page_that_no_slice_reads_is_a_hole(stages: Stages, tmp_path: Path) -> None:
    rows = [row | {"rule": f"rule {number}"} for number, row in enumerate(rows_of(0, 90))]
    path = tmp_path / "in.parquet"
    table = sessions(*rows).select([column.name for column in SESSION_COLUMNS])
    pq.write_table(table, path, row_group_size=30, compression="zstd")
    column = pq.read_metadata(path).row_group(1).column(table.schema.get_field_index("rule"))
    data, begin = bytearray(path.read_bytes()), column.dictionary_page_offset
    data[begin : begin + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(data)
    report = stages.delta(str(FIRST), str(path), max_rejected_ratio=1.0)
    assert "30 rows are missing here" in str(report.incomplete_reason)
    assert stages.lake.count("sessions") == 60


@pytest.mark.slow
def test_days_of_long_ago_are_removed_but_never_those_of_the_run(session: SparkSession, tmp_path: Path) -> None:
    """Counted from the newest day, whatever today is."""
    stages = Stages(session, tmp_path / "lake", ProjectParameters(sessions_retention_days=2))

    def run(day: int) -> list[str]:
        one = Windows(FIRST.start + timedelta(days=day), FIRST.end + timedelta(days=day))
        path = write_sessions(sessions(record(day, one.start)), tmp_path / f"{day}.parquet")
        stages.delta(str(one), path)
        return sorted(stages.lake.arrow("sessions", ["date"])["date"].to_pylist())

    assert [run(day) for day in (0, 2)][-1] == ["2026-03-10", "2026-03-12"]
    assert run(3) == ["2026-03-12", "2026-03-13"]
    assert run(0) == ["2026-03-10", "2026-03-12", "2026-03-13"]  # an old day is made again on purpose
    assert run(1) == ["2026-03-11", "2026-03-12", "2026-03-13"]
    assert stages.lake.count("delta_host") == 4


@pytest.mark.parity
def test_of_the_records_of_one_session_the_longest_counts(stages: Stages, tmp_path: Path) -> None:
    """Of equally long ones the first. Parsed, in a file of its own for each, and in any order."""
    base = session_row(start_ts="2026-03-10T13:09:00", duration_s=60.0)
    grown = [
        session_row(**RARE, start_ts="2026-03-10T13:09:00", duration_s=seconds, bytes_sent=sent)
        for seconds, sent in ((100.0, 5), (300.0, 7), (300.0, 8), (200.0, 6))
    ]
    same = {name: base[name] for name in ("session_id", "sequence_number")}
    rows = [base, *(row | same for row in grown)]
    paths = [write_sessions(sessions(row), tmp_path / f"{number}.parquet") for number, row in enumerate(rows)]
    report = stages.delta("2026-03-10T13:08Z", *paths)
    assert report.details["records"]["duplicate"] == 4
    assert stages.lake.arrow("sessions", ["duration_s", "bytes_sent"]).to_pylist() == [
        {"duration_s": 300.0, "bytes_sent": 7}
    ]
    pairs = stages.lake.arrow("delta_pair", ["role", "sessions_cnt", "bytes_src_sum", "duration_sum"])
    assert pairs.to_pylist() == [
        {"role": "outbound", "sessions_cnt": 1, "bytes_src_sum": 7, "duration_sum": 300.0}
    ]  # fmt: skip


def test_in_another_window_only_a_record_that_ends_at_the_same_time_is_the_same(stages: Stages, tmp_path: Path) -> None:
    """The longest record of each window claims its place; a shorter one that comes again does not hide it."""
    short, long, later = (
        record(1, window(0).start + timedelta(seconds=seconds), session_id="7", sequence_number=7)
        | {"start_ts": FIRST.start, "duration_s": float(seconds)}
        for seconds in (60, 600, 1000)
    )
    folders = deliver_all(tmp_path, [Delivery(0, "a", (short, long)), Delivery(1, "b", (short, long, later))])
    for one, path in folders.items():
        stages.delta(str(window(one.window)), path)
    assert stages.lake.arrow("sessions", ["window", "duration_s"]).sort_by("window").to_pylist() == [
        {"window": window(0).key, "duration_s": 600.0}, {"window": window(1).key, "duration_s": 1000.0}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("most", "parts"), [([0], [[0]]), ([0, 0, 5], [[0, 1, 2]]), ([5, 6], [[0], [1]]), ([20, 1], [[0], [1]]), ([], [])]
)
def test_pieces_are_put_together_in_parts_of_so_many_rows(most: list[int], parts: list[list[int]]) -> None:
    """Also such as have none: the file into which input was parsed of which no record counts."""
    pieces = [StagedPiece(StagedFile("unread", "", 0, "", 0), number, rows) for number, rows in enumerate(most)]
    assert [[number for number, _ in part] for part in parts_of(pieces, 10)] == parts
