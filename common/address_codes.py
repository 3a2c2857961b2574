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


def address_codes(texts: pa.StringArray) -> Integers:
    """The number of each address.

    An IPv4 address is its 32 bits. Any other text (IPv6, or an address with the name of a network) is a negative
    number: 63 bits of its BLAKE2b hash, of which nobody can look for a text with the number of another.
    """
    found = _of_ipv4(texts)
    if found is not None:
        return found
    plain = pc.match_substring_regex(texts, IPV4)
    is_plain, of_plain = np.asarray(plain), _of_ipv4(texts.filter(plain))
    assert of_plain is not None
    others = texts.filter(pc.invert(plain)).dictionary_encode()
    hashes = np.array([_hash(text) for text in others.dictionary.to_pylist()], dtype=np.int64)
    numbers = np.empty(len(texts), dtype=np.int64)
    numbers[is_plain] = of_plain
    numbers[~is_plain] = hashes[np.asarray(others.indices)]
    return numbers


def _of_ipv4(texts: pa.StringArray) -> Integers | None:
    """The numbers of texts that are all IPv4 addresses as `inet_pton` takes them; None if one is something else."""
    if not len(texts):
        return np.zeros(0, dtype=np.int64)
    _, offsets, data = texts.buffers()
    offset = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    digit = np.frombuffer(data, np.uint8)[offset[0] : offset[-1]] - np.uint8(ord("0"))
    dots = np.flatnonzero(digit == (ord(".") - ord("0")) % 256)
    if len(dots) != 3 * len(texts) or np.count_nonzero(digit < 10) + len(dots) != len(digit):
        return None
    offset = offset - offset[0]
    ends = (*(dots[place::3] for place in range(3)), offset[1:])
    begins = (offset[:-1], *(end + 1 for end in ends[:3]))
    found = np.zeros(len(texts), dtype=np.int64)
    for begin, end in zip(begins, ends, strict=True):
        size = end - begin
        if (size < 1).any() or (size > 3).any() or ((size > 1) & (digit[begin] == 0)).any():
            return None
        number = digit[end - 1].astype(np.int16)
        for place in (1, 2):
            number += np.where(size > place, digit[end - 1 - place], 0).astype(np.int16) * np.int16(10**place)
        if (number > 255).any():
            return None
        found <<= 8
        found |= number
    return found


def _hash(text: str) -> int:
    return ~(int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1)
