"""Parts of plain log files give the records, and the lines, of the whole file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from common.logs import ReadOptions, read_files
from common.logs.blocks import MAX_LINE_BYTES
from common.logs.file_parts import FilePart, divided, lines_in, numbered
from common.logs.packing import PIECE_BYTES, READ_BYTES
from common.logs.reading import may_divide, read_parts
from tests.common.logs.panos_logs import traffic


def lines(count: int) -> bytes:
    return b"".join(traffic(46, {39: str(number)}).encode() + b"\n" for number in range(1, count + 1))


def parts_of(path: Path) -> list[FilePart]:
    found = divided(str(path), path.stat().st_size, PIECE_BYTES)
    return numbered(found, [lines_in(part) for part in found])


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf", b"no log\n\n"], ids=["plain", "mark", "reject"])
def test_parts_give_the_batches_of_the_whole_file(tmp_path: Path, begin: bytes, threads: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(begin + lines(40_000))
    parts = parts_of(path)
    assert len(parts) == 1 + (path.stat().st_size - READ_BYTES - 1) // PIECE_BYTES > 2
    assert may_divide(str(path), ReadOptions())
    found = list(read_parts(parts, ReadOptions(), threads))
    expected = list(read_files([str(path)], ReadOptions(), threads))
    assert [batch.sessions for batch in found] == [batch.sessions for batch in expected]
    assert [batch.rejects.to_pylist() for batch in found] == [batch.rejects.to_pylist() for batch in expected]


def test_a_line_that_is_no_record_stays_in_one_part(tmp_path: Path) -> None:
    """The place of the division lies in it."""
    path = tmp_path / "log"
    head = lines(10)
    path.write_bytes(head + b"x" * (READ_BYTES + PIECE_BYTES + MAX_LINE_BYTES) + b"\n" + lines(10))
    assert parts_of(path) == [FilePart(str(path))]


def test_packed_text_and_documents_are_not_divided(tmp_path: Path) -> None:
    path = tmp_path / "log"
    wrapped = json.dumps([{"message": traffic()}]).encode()
    for content in (gzip.compress(lines(3)), b"\xff\xfe" + traffic().encode("utf-16-le"), wrapped):
        path.write_bytes(content)
        assert not may_divide(str(path), ReadOptions("panos"))
