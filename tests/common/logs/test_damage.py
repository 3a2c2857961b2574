"""Files that are damaged: what can be read is kept, what is missing is counted, at its place."""

from __future__ import annotations

import gzip
import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import InputError
from common.logs import Counts, Hole, ReadOptions, find_logs, read_file, read_files
from common.logs.blocks import blocks
from common.logs.packing import PIECE_BYTES, READ_BYTES, Damage
from common.logs.packing.gunzip import unpacked
from tests.common.logs.panos_logs import traffic
from tests.common.logs.test_files import numbered, write
from tests.common.logs.test_parquet import FLOW

CHECKSUM = "the checksum of the gzip data is wrong: records may be altered"


def varied(count: int) -> list[bytes]:
    """Lines that do not shrink to nothing."""
    chance = random.Random(1)
    return [
        traffic(46, {7: f"10.{chance.randrange(256)}.{chance.randrange(256)}.1", 39: str(number)}).encode()
        for number in range(count)
    ]


def read(path: str, threads: int = 1) -> tuple[list[tuple[int, int]], list[tuple[int, str]], list[Hole]]:
    """Line and sequence number of each session, line and reason of each reject, and the holes."""
    counts, sessions, rejects = Counts(), [], []
    for batch in read_files([path], ReadOptions("panos"), threads):
        counts.add(batch)
        sessions += [(row["source_line"], row["sequence_number"]) for row in batch.sessions.to_pylist()]
        rejects += [(row["source_line"], row["reason"]) for row in batch.rejects.to_pylist()]
    assert counts.read == len(sessions) + len(rejects) and counts.rejected == len(rejects)
    return sessions, rejects, counts.holes


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_wrong_checksum_loses_no_record(tmp_path: Path, end: bytes, threads: int) -> None:
    packed = bytearray(gzip.compress(b"\n".join(varied(2_000)) + end))
    packed[-6] ^= 1
    path = write(tmp_path / "crc.gz", bytes(packed))
    sessions, rejects, holes = read(path, threads)
    assert [number for _, number in sessions] == list(range(2_000))
    line = 2_001 if end else 2_000
    assert rejects == [(line, CHECKSUM)] and holes == [Hole(path, CHECKSUM, line, 0)]
    assert find_logs([path], ReadOptions()).formats == ("panos",)


def test_a_wrong_size_loses_no_record(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"\n".join(varied(100))))
    packed[-1] ^= 1
    sessions, _, (hole,) = read(write(tmp_path / "size.gz", bytes(packed)))
    assert len(sessions) == 100 and hole.missing_bytes == 0 and "size" in hole.reason


@pytest.mark.parametrize("place", [0.3, 0.9])
def test_damage_in_the_middle_keeps_all_before_it(tmp_path: Path, place: float) -> None:
    """Stored blocks: the length of one is broken, so the place of the damage is known to the byte."""
    text = b"\n".join(varied(2_000))
    packed = bytearray(gzip.compress(text, 0))
    block, before = 10, 0  # a block is a header of 5 bytes, which holds the length, and the data
    while block < len(packed) * place:
        length = int.from_bytes(packed[block + 1 : block + 3], "little")
        block, before = block + 5 + length, before + length
    packed[block + 1 : block + 3] = b"\xff\x00"
    sessions, rejects, (hole,) = read(write(tmp_path / "bad.gz", bytes(packed)))
    kept = text[:before].count(b"\n")
    assert [number for _, number in sessions] == list(range(kept))
    assert rejects == [(kept + 1, hole.reason)] and hole.line == kept + 1
    assert hole.missing_bytes is not None and abs(hole.missing_bytes - (len(packed) - block - 8)) <= 8
    assert f"about {len(text) - before:,} bytes of text are missing" in hole.reason


def test_reading_goes_on_at_the_next_member(tmp_path: Path) -> None:
    lines = varied(900)
    members = [gzip.compress(b"\n".join(lines[at : at + 300]) + b"\n") for at in (0, 300, 600)]
    broken = members[1][:200] + b"\xff" * 50 + members[1][250:]
    for parts, most in (
        ([members[0], broken, members[2]], 300),
        ([broken, *members[1:]], 300),
        ([members[0], broken], 300),
    ):
        path = write(tmp_path / "three.gz", b"".join(parts))
        sessions, rejects, holes = read(path)
        whole = {number for part in parts if part is not broken for number in range(300)}
        assert len(holes) == 1 and len(rejects) >= 1
        numbers = [number for _, number in sessions]
        wanted = [n + 300 * members.index(part) for part in parts if part in members for n in range(300)]
        assert [number for number in numbers if number in set(wanted)] == wanted
        assert len(whole) == most and [line for line, _ in sessions] == sorted(line for line, _ in sessions)


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_file_that_was_cut_off_keeps_what_can_be_read(tmp_path: Path, keep: float) -> None:
    lines = varied(2_000)
    packed = gzip.compress(b"\n".join(lines))
    path = write(tmp_path / "cut.gz", packed[: int(len(packed) * keep)])
    sessions, rejects, holes = read(path)
    assert sessions == [(number + 1, number) for number in range(len(sessions))]
    assert rejects == [(len(sessions) + 1, "the gzip stream is cut off")]
    assert holes == [Hole(path, "the gzip stream is cut off", len(sessions) + 1, None)]
    (raw,) = [row["raw"] for batch in read_file(path, ReadOptions()) for row in batch.rejects.to_pylist()]
    assert lines[len(sessions)].startswith(raw.encode())


def test_whatever_is_no_gzip_between_and_after_members_is_seen(tmp_path: Path) -> None:
    """NUL bytes too: files have them where a crash lost what was written last."""
    two, three = gzip.compress(numbered(2)), gzip.compress(numbered(3))
    path = write(tmp_path / "two.gz", two + three)
    assert len(read(path)[0]) == 5 and not read(path)[2]
    for between, after in ((bytes(100), b""), (b"", bytes(2 * READ_BYTES)), (b"x" * READ_BYTES, b""), (b"", b"t")):
        path = write(tmp_path / "more.gz", two + between + three + after)
        sessions, _, (hole,) = read(path)
        size = len(between) + len(after)
        assert len(sessions) == 5 and hole.missing_bytes == size
        assert hole.reason == f"{size:,} bytes after the gzip data are no gzip data"


@pytest.mark.parametrize("distance", range(-3, 4))
def test_members_that_begin_at_the_edge_of_a_read(distance: int) -> None:
    first = b"".join(os.urandom(1000) for _ in range(READ_BYTES // 1000))
    member = gzip.compress(first, 0)
    filling = READ_BYTES - len(member) + distance
    member = gzip.compress(first + bytes(filling), 0) if filling > 0 else member
    stream = io.BytesIO(member + gzip.compress(b"second"))
    pieces = list(unpacked(stream, stream.read(READ_BYTES)))
    assert not [piece for piece in pieces if isinstance(piece, Damage)]
    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)).endswith(b"second")


def test_a_member_that_unpacks_to_much_more_stays_small_in_memory() -> None:
    bomb = gzip.compress(bytes(6 * PIECE_BYTES))
    for packed in (bomb, bomb[: len(bomb) // 2], bomb[: len(bomb) // 2] + b"\xff" * 100 + bomb[len(bomb) // 2 :]):
        stream = io.BytesIO(packed)
        assert (
            max(len(piece) for piece in unpacked(stream, stream.read(READ_BYTES)) if isinstance(piece, bytes))
            <= PIECE_BYTES
        )
        assert max(len(block.data) + len(block.cut) for block in blocks(io.BytesIO(packed))) <= 2 * PIECE_BYTES


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:3] + b"\xff" + data[4:], "has nothing that can be read: the gzip data are damaged"),
        (lambda data: data[:15] + b"\xff" * 9 + data[24:], "has nothing that can be read: the gzip data are damaged"),
        (lambda data: data[:12], "has nothing that can be read: the gzip stream is cut off"),
        (lambda data: b"", "has no bytes at all"),
    ],
)
def test_a_file_of_which_nothing_is_left(tmp_path: Path, damage: Callable[[bytes], bytes], reason: str) -> None:
    good = write(tmp_path / "good.csv", numbered(3))
    bad = write(tmp_path / "bad.gz", damage(gzip.compress(b"\n".join(varied(300)))))
    logs = find_logs([str(tmp_path)], ReadOptions())
    (hole,) = logs.unreadable
    assert (logs.paths, hole.path, hole.line) == ((good,), bad, None) and hole.reason.startswith(reason)
    assert hole.missing_bytes == Path(bad).stat().st_size and not logs.skipped
    for options in (ReadOptions(), ReadOptions("panos")):
        with pytest.raises(InputError, match=reason):
            find_logs([bad], options)
    Path(good).unlink()
    with pytest.raises(InputError, match=f"no log file in .*{reason}"):
        find_logs([str(tmp_path)], ReadOptions())


def test_a_damaged_row_group_is_a_hole(tmp_path: Path) -> None:
    path = str(tmp_path / "flows.parquet")
    rows = [FLOW | {"session_id": str(number)} for number in range(300)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=100, compression="zstd")
    second = pq.read_metadata(path).row_group(1)
    begin = min(second.column(at).dictionary_page_offset for at in range(second.num_columns))
    data = bytearray(Path(path).read_bytes())
    data[begin : begin + 100] = b"\xff" * 100
    Path(path).write_bytes(data)
    sessions: list[int] = []
    counts = Counts()
    for batch in read_file(path, ReadOptions()):
        counts.add(batch)
        sessions += batch.sessions.column("source_line").to_pylist()
    assert sessions == [*range(1, 101), *range(201, 301)]
    (hole,) = counts.holes
    assert hole.line == 101 and "100 rows are missing here" in hole.reason and counts.rejected == 1
    assert hole.missing_bytes == second.total_byte_size


def test_a_damaged_footer_is_a_hole_of_the_whole_file(tmp_path: Path) -> None:
    write(tmp_path / "good.csv", numbered(3))
    path = str(tmp_path / "flows.parquet")
    pq.write_table(pa.Table.from_pylist([FLOW]), path)
    write(tmp_path / "flows.parquet", Path(path).read_bytes()[:-100])
    (hole,) = find_logs([str(tmp_path)], ReadOptions()).unreadable
    assert hole.path == path and hole.reason.startswith("cannot be read as Parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        find_logs([path], ReadOptions())


def test_a_footer_whose_names_are_no_text_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([FLOW | {"zz_extra_zz": 1}]), buffer)
    path = write(tmp_path / "log.parquet", buffer.getvalue().replace(b"zz_extra_zz", b"zz_\xfa\xfbxxa_zz"))
    with pytest.raises(InputError, match=r"log\.parquet cannot be read as Parquet: 'utf-8' codec"):
        find_logs([path], ReadOptions())


def test_rejects_of_damaged_files_say_nothing_about_the_others() -> None:
    counts = Counts(read=100, rejected=30, holes=[Hole("a", "cut off", 3, None), Hole("a", "again", 9, 1)])
    counts.rejected_by_file.update({"a": 28, "b": 2})
    assert counts.unexplained_rejects == 2
