"""Text in UTF-16, and byte order marks."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from common.logs.packing.damage import Damage

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_LONGEST_MARK = 3


def as_utf8(pieces: Iterator[bytes | Damage]) -> Iterator[bytes | Damage]:
    r"""The pieces in UTF-8 without a byte order mark; what is no UTF-16 in a file of that encoding appears as \xNN."""
    head = b""
    for piece in pieces:
        if isinstance(piece, Damage):
            yield from filter(None, (head,))
            yield piece
            break
        head += piece
        if len(head) >= _LONGEST_MARK:
            encoding = _UTF16.get(head[:2])
            if encoding:
                yield from _from_utf16(head[2:], pieces, encoding)
                return
            yield head.removeprefix(codecs.BOM_UTF8)
            break
    else:
        yield from filter(None, (head,))
    yield from pieces


def is_utf16(head: bytes) -> bool:
    """Whether a file that begins like this is text in UTF-16."""
    return head[:2] in _UTF16


def _from_utf16(head: bytes, pieces: Iterator[bytes | Damage], encoding: str) -> Iterator[bytes | Damage]:
    decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")
    yield decoder.decode(head).encode()
    for piece in pieces:
        yield piece if isinstance(piece, Damage) else decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()
