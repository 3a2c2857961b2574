"""A number for each address: the same in all tables, processes and machines, so that no dictionary is shared."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers

OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"\A({OCTET}\.){{3}}{OCTET}\z"
"""What `inet_pton` takes."""


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
            found[place] = _codes(texts)
        parts.append(found[place][np.asarray(encoded.indices)])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _codes(texts: pa.StringArray) -> Integers:
    """The numbers of texts, each looked at by itself only if it is no IPv4 address."""
    found = _of_ipv4(texts)
    if found is not None:
        return found
    plain = pc.match_substring_regex(texts, IPV4)
    is_plain, of_plain = np.asarray(plain), _of_ipv4(texts.filter(plain))
    assert of_plain is not None
    numbers = np.empty(len(texts), dtype=np.int64)
    numbers[is_plain] = of_plain
    numbers[~is_plain] = [_hash(text) for text in texts.filter(pc.invert(plain)).to_pylist()]
    return numbers


def _of_ipv4(texts: pa.StringArray) -> Integers | None:
    """The numbers of texts that are all IPv4 addresses as `inet_pton` takes them; None if one is something else."""
    if not len(texts):
        return np.zeros(0, dtype=np.int64)
    _, offsets, data = texts.buffers()
    offset = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    offset, digit = offset - offset[0], np.frombuffer(data, np.uint8)[offset[0] : offset[-1]] - np.uint8(ord("0"))
    dots = np.flatnonzero(digit == (ord(".") - ord("0")) % 256)
    if len(dots) != 3 * len(texts) or np.count_nonzero(digit < 10) + len(dots) != len(digit):
        return None
    begin = np.column_stack([offset[:-1], dots.reshape(-1, 3) + 1])
    end = np.column_stack([dots.reshape(-1, 3), offset[1:]])
    size = end - begin  # of the four numbers of each address
    if (size < 1).any() or (size > 3).any() or ((size > 1) & (digit[begin] == 0)).any():
        return None
    number = digit[end - 1].astype(np.int64)
    for place in (1, 2):
        number += np.where(size > place, digit[end - 1 - place], 0).astype(np.int64) * 10**place
    return None if (number > 255).any() else np.asarray(number @ (1 << np.array([24, 16, 8, 0])))


def _hash(text: str) -> int:
    return ~(int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1)
