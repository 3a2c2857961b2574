"""Ways to spoil log files; the same seed gives the same file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from tests.common.logs.log_samples import SAMPLES


@dataclass(frozen=True)
class LogFile:
    """A spoilt file.

    Attributes:
        data: its bytes.
        whole: the bytes of the file before its container was damaged; None where that was left alone, or where nothing
            can show the damage.
        lines: of a text file that is not packed, the lines that are not blank; None for any other.
        story: what was done to it.
    """

    data: bytes
    whole: bytes | None
    lines: int | None
    story: str


def spoilt(chance: random.Random) -> LogFile:
    """A log file of some format, spoilt in up to six ways, packed or not, and then perhaps damaged again."""
    name = chance.choice(sorted(SAMPLES))
    data = SAMPLES[name](chance, chance.choice((1, 3, 30, 200)))
    story = [name]
    if name != "parquet" and chance.random() < 0.01:
        data *= 1 + 5_000_000 // len(data)  # more than one block
        story.append("large")
    if name != "parquet":
        for _ in range(chance.choice((0, 1, 1, 2, 6))):
            way = chance.choice(TEXT_WAYS)
            data = way(chance, data)
            story.append(way.__name__)
    pack = chance.choice(PACKINGS)
    whole = packed = pack(chance, data)
    story.append(pack.__name__)
    damaged = chance.random() < (0.6 if pack is not plain or name == "parquet" else 0.0)
    if damaged:
        for _ in range(chance.choice((1, 1, 20))):
            way = chance.choice(BYTE_WAYS)
            packed = way(chance, packed)
            story.append(way.__name__)
    text = pack is plain and name not in ("parquet", "array") and not packed.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    checked = pack is not other_packing  # some of those have no checksum: damage can change what records say
    return LogFile(packed, whole if damaged and checked else None, _filled(packed) if text else None, " ".join(story))


def _filled(data: bytes) -> int:
    return sum(bool(line.strip(b" \t\r\v\f\0\xef\xbb\xbf")) for line in data.split(b"\n"))


def flipped(chance: random.Random, data: bytes) -> bytes:
    """One byte has another value."""
    changed = bytearray(data)
    if changed:
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut_off(chance: random.Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: chance.randrange(len(data) + 1)]


def inserted(chance: random.Random, data: bytes) -> bytes:
    """Random bytes in between."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.choice((1, 10, 1_000))) + data[at:]


def left_out(chance: random.Random, data: bytes) -> bytes:
    """Some bytes in between are missing."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.choice((1, 10, 500)) :]


def doubled(chance: random.Random, data: bytes) -> bytes:
    """Some bytes appear twice."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at : at + 500] + data[at:]


def zeroed(chance: random.Random, data: bytes) -> bytes:
    """A stretch of NUL bytes, as after a crash of the writer."""
    at = chance.randrange(len(data) + 1)
    length = chance.choice((1, 100, 5_000))
    return data[:at] + bytes(length) + data[at + length :]


def shuffled(chance: random.Random, data: bytes) -> bytes:
    """The lines in another order, headers too."""
    lines = data.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def long_line(chance: random.Random, data: bytes) -> bytes:
    """A line that is too long or nearly so."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice((b"x", b",", b'"', b"{", b"\\")) * chance.choice((10_000, 1_200_000)) + data[at:]


def line_ends(chance: random.Random, data: bytes) -> bytes:
    """Line ends of several kinds."""
    return b"".join(line + chance.choice((b"\n", b"\r\n", b"\r", b"\n\n", b"\0\n")) for line in data.split(b"\n"))


def other_encoding(chance: random.Random, data: bytes) -> bytes:
    """Text in another encoding."""
    return data.decode("latin-1").encode(
        chance.choice(("utf-16", "utf-8-sig", "utf-16-le", "utf-32", "cp037")), "replace"
    )


VALUES = (
    *("1e400", "-1", "9" * 30, "NaN", "-0", "0x10", "1" * 5_000, "null", "Infinity", "1e-400", "١٢"),
    *("0001/01/01 00:00:00", "9999/12/31 23:59:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60+23:59", "=1+1"),
    *(
        "\x9b31m",
        "\u202e",
        "\x1b[2J",
        '"',
        '\\"',
        "\\ud800",
        "\ud7ff\U0010ffff",
        "k" * 10_000,
        "{",
        "[" * 900 + "]" * 900,
    ),
    *('{"a":' * 400 + "1" + "}" * 400, "::", "fe80::1%" + "e" * 99, "a\x1fb", "\u2028", "\x85", "true", "[1,2]", "{}"),
)


def other_value(chance: random.Random, data: bytes) -> bytes:
    """A field with a hostile value."""
    parts = data.split(chance.choice((b",", b":", b"\t")))
    parts[chance.randrange(len(parts))] = chance.choice(VALUES).encode("utf-8", "surrogatepass")
    return (b"," if b"," in data else b"\t").join(parts) if chance.random() < 0.1 else _joined(data, parts)


def _joined(data: bytes, parts: list[bytes]) -> bytes:
    for separator in (b",", b":", b"\t"):
        if data.count(separator) == len(parts) - 1:
            return separator.join(parts)
    return b",".join(parts)


def plain(chance: random.Random, data: bytes) -> bytes:
    """As it is."""
    return data


def one_gzip(chance: random.Random, data: bytes) -> bytes:
    """One gzip member."""
    return gzip.compress(data, chance.choice((1, 6)), mtime=0)


def many_gzip(chance: random.Random, data: bytes) -> bytes:
    """Several gzip members, cut at any byte, as a shipper appends them."""
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(4))
    return b"".join(
        gzip.compress(data[begin:end], 6, mtime=0) for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)
    )


def other_packing(chance: random.Random, data: bytes) -> bytes:
    """One of the packings that are rarer."""
    return chance.choice(OTHER_PACKINGS)(data)


OTHER_PACKINGS: tuple[Callable[[bytes], bytes], ...] = (
    bz2.compress,
    lzma.compress,
    *(lambda data, codec=codec: pa.compress(data, codec, asbytes=True) for codec in ("zstd", "lz4", "snappy")),
)
TEXT_WAYS = (
    *(flipped, cut_off, inserted, left_out, doubled, zeroed, shuffled, long_line, line_ends, other_encoding),
    *(other_value, other_value, other_value),
)
BYTE_WAYS = (flipped, flipped, flipped, cut_off, inserted, left_out, doubled, zeroed)
PACKINGS = (*(plain,) * 5, *(one_gzip,) * 5, *(many_gzip,) * 5, *(other_packing,) * 5)
