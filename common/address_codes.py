"""A number for each address: the same in all tables, processes and machines, so that no dictionary is shared."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from common.arrays import Integers

_PACKED = partial(socket.inet_pton, socket.AF_INET)


def address_codes(column: pa.ChunkedArray) -> Integers:
    """The number of each address of a column of texts, which is fast where the column is dictionary-encoded.

    An IPv4 address is its 32 bits. Any other text (IPv6, or an address with the name of a network) is a negative
    number: 63 bits of its BLAKE2b hash, of which nobody can look for a text with the number of another.
    """
    found: dict[int, Integers] = {}  # batches of one file share its dictionary
    parts = []
    chunks = [chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode() for chunk in column.chunks]
    for encoded in chunks:  # all are kept until the end, so that no two dictionaries have one place
        texts = encoded.dictionary
        place = texts.buffers()[-1].address + texts.offset if len(texts) else 0
        if place not in found:
            found[place] = _codes(texts.to_pylist())
        parts.append(found[place][np.asarray(encoded.indices)])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _codes(texts: Sequence[str]) -> Integers:
    try:
        return np.frombuffer(b"".join(map(_PACKED, texts)), dtype=">u4").astype(np.int64)
    except OSError:
        return np.array([_code(text) for text in texts], dtype=np.int64)


def _code(text: str) -> int:
    try:
        return int.from_bytes(_PACKED(text))
    except OSError:
        return ~(int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1)
