"""Packed files: what every packing must give, whole, in several parts and damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from common.errors import InputError
from common.logs import Counts, ReadOptions, find_logs, read_files
from common.logs.packing import READ_BYTES, Damage, contents, is_packed, snappy
from tests.common.logs.panos_logs import traffic
from tests.common.logs.test_damage import varied
from tests.common.logs.test_files import write


def _arrow(codec: str) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        into = pa.BufferOutputStream()
        with pa.CompressedOutputStream(into, codec) as stream:
            stream.write(data)
        packed: bytes = into.getvalue().to_pybytes()
        return packed

    return pack


def raw_snappy(data: bytes) -> bytes:
    packed: bytes = pa.Codec("snappy").compress(data).to_pybytes()
    return packed


def strata(data: bytes) -> bytes:
    """A line of metadata, and a raw snappy block."""
    packed = raw_snappy(data)
    metadata = {"num_bytes": len(packed), "num_records": data.count(b"\n") + 1, "tenant": "1"}
    return json.dumps(metadata).encode() + b"\n" + packed


STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": partial(bz2.compress, compresslevel=1),
    "xz": lzma.compress,
    "zstd": _arrow("zstd"),
    "lz4": _arrow("lz4"),
}
ALL = STREAMS | {"snappy": raw_snappy, "strata": strata}


UNCHECKED = ("zstd", "lz4")
"""Packings that pyarrow writes without checksums: a changed byte may go unnoticed."""

BLOCK_BYTES = {"gzip": 100_000, "bzip2": 200_000, "xz": 100_000, "zstd": 200_000, "lz4": 200_000}
"""How much of the text before some damage may be lost with it: a block of the packing, and what the share varies."""


def common_start(left: bytes, right: bytes) -> int:
    size = min(len(left), len(right))
    same = np.frombuffer(left[:size], np.uint8) == np.frombuffer(right[:size], np.uint8)
    return size if same.all() else int(np.argmin(same))


def unpack(data: bytes) -> list[bytes | Damage]:
    """The contents, joined between damages."""
    stream = io.BytesIO(data)
    found: list[bytes | Damage] = []
    for piece in contents(stream, stream.read(READ_BYTES)):
        last = found[-1] if found else None
        if isinstance(piece, bytes) and isinstance(last, bytes):
            found[-1] = last + piece
        else:
            found.append(piece)
    return found


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("threads", [1, 2])
def test_records_of_packed_files(tmp_path: Path, name: str, threads: int) -> None:
    lines = varied(500)
    path = write(tmp_path / "log", ALL[name](b"\n".join(lines)))
    assert find_logs([path], ReadOptions()).formats == ("panos",)
    sessions = [row for batch in read_files([path], ReadOptions(), threads) for row in batch.sessions.to_pylist()]
    assert [(row["source_line"], row["sequence_number"]) for row in sessions] == [(at + 1, at) for at in range(500)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_contents(name: str) -> None:
    for data in (b"<14>short", b"\n".join(varied(3_000)), b"a" * 5_000_000):
        packed = ALL[name](data)
        assert is_packed(packed[:READ_BYTES]) and unpack(packed) == [data]


@pytest.mark.parametrize("name", STREAMS)
def test_several_streams_in_a_row(name: str) -> None:
    pack = STREAMS[name]
    parts = [b"\n".join(varied(count)) + b"\n" for count in (1, 2_000, 3)]
    assert unpack(b"".join(map(pack, parts))) == [b"".join(parts)]
    assert unpack(pack(b"a") + pack(b"") + pack(b"b")) == [b"ab"]


def test_xz_may_be_padded() -> None:
    assert unpack(lzma.compress(b"a") + b"\0" * 8 + lzma.compress(b"b") + b"\0" * 4) == [b"ab"]


def test_several_blocks_of_strata() -> None:
    assert unpack(strata(b"a\nb") + strata(b"c")) == [b"a\nb\nc"]


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.85])
def test_damage_in_the_middle_keeps_what_comes_before_and_behind(name: str, share: float) -> None:
    pack, parts = STREAMS[name], [b"\n".join(varied(5_000)), b"behind"]
    first = bytearray(pack(parts[0]))
    at = int(len(first) * share)
    first[at : at + 40] = b"" if name in ("lz4", "zstd") else b"\xff" * 40  # they take any bytes for text
    before, damage, *behind = unpack(bytes(first) + pack(parts[1]))
    assert isinstance(before, bytes) and isinstance(damage, Damage)
    whole = common_start(before, parts[0])
    assert whole >= share * len(parts[0]) - BLOCK_BYTES[name]
    assert behind == [parts[1]] and (damage.missing_bytes or name == "gzip")


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_cut_off(name: str) -> None:
    data = b"\n".join(varied(5_000))
    packed = STREAMS[name](data)
    before, damage = unpack(packed[: len(packed) * 4 // 5])
    assert isinstance(before, bytes) and isinstance(damage, Damage)
    assert damage.missing_bytes is None and "cut off" in damage.reason
    assert data.startswith(before) and len(before) > len(data) * 4 // 5 - BLOCK_BYTES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_nothing_is_lost_before_what_is_no_packed_data(name: str) -> None:
    data = b"\n".join(varied(5_000))
    before, damage = unpack(STREAMS[name](data) + b"this is no packed data" * 3)
    assert before == data and isinstance(damage, Damage) and 60 <= (damage.missing_bytes or 0) <= 76


@pytest.mark.parametrize("name", ["snappy", "strata"])
def test_a_block_of_snappy_is_whole_or_a_hole(tmp_path: Path, name: str) -> None:
    packed = bytearray(ALL[name](b"\n".join(varied(2_000))))
    packed[len(packed) // 2 :] = b"\xff" * 30
    path = write(tmp_path / "log", bytes(packed))
    with pytest.raises(InputError, match="the snappy block is damaged"):
        find_logs([path], ReadOptions())


def test_a_block_of_snappy_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snappy, "MAX_BYTES", 1_000)
    (damage,) = unpack(raw_snappy(b"a" * 2_000))
    assert isinstance(damage, Damage) and "too large" in damage.reason


@pytest.mark.parametrize(
    "text", [traffic(), f"<14>Mar 11 {traffic()}", '{"num_bytes": 5, "a": 1}\n{"b": 2}', "\x00\x00a"]
)
def test_text_is_not_packed(text: str) -> None:
    for data in (text.encode(), text.encode("latin-1"), text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()):
        assert not is_packed(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_damaged_files_of_every_packing_add_up(tmp_path: Path, name: str) -> None:
    chance = random.Random(4)
    lines = varied(400)
    for _ in range(15):
        packed = bytearray(STREAMS[name](b"\n".join(lines[:200]) + b"\n") + STREAMS[name](b"\n".join(lines[200:])))
        packed[chance.randrange(len(packed))] ^= 1 << chance.randrange(8)
        counts, found = Counts(), []
        for batch in read_files([write(tmp_path / "log", bytes(packed))], ReadOptions("panos")):
            counts.add(batch)
            found += [row["source_line"] for row in batch.sessions.to_pylist()]
        assert len(found) <= 400 + bool(counts.holes)
        if name not in UNCHECKED:  # where another byte, or a longer piece, may have become a line end or lost it
            assert len(found) == len(set(found))
            assert counts.holes or counts.rejected or len(found) == 400


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_memory_is_bounded(name: str) -> None:
    stream = io.BytesIO(STREAMS[name](b"a" * 100_000_000))
    head = stream.read(READ_BYTES)
    pool = pa.default_memory_pool()
    tracemalloc.start()
    size = sum(len(piece) for piece in contents(stream, head) if isinstance(piece, bytes))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 100_000_000 and peak < 30_000_000 and pool.bytes_allocated() < 30_000_000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    text = "\r\n".join(traffic(46, {39: str(number), 11: "r\u00fcle \U0001f525"}) for number in range(3_000))
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    for pack in (bytes, gzip.compress):
        path = write(tmp_path / "log", pack(mark + text.encode(encoding)))
        rows = [row for batch in read_files([path], ReadOptions()) for row in batch.sessions.to_pylist()]
        assert len(rows) == 3_000 and {row["rule"] for row in rows} == {"r\u00fcle \U0001f525"}
        assert rows[-1]["source_line"] == 3_000


def test_what_is_no_utf_16_appears_as_it_is() -> None:
    assert unpack(b"\xff\xfea\0\0\xd8b\0c") == [b"a\\x00\\xd8b\\x63"]
