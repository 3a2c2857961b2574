"""A number for each group of traffic: the same in all lakes, models, processes and machines."""

from __future__ import annotations

import struct
from hashlib import blake2b

import numpy as np

from common.arrays import Integers

SERVICE_BITS = 17


def group_codes(places: Integers, services: Integers) -> Integers:
    """The number of each place (the code of a network or a segment) with a service, a number of `SERVICE_BITS` bits.

    That of an IPv4 network or address is exact, and not negative. Any other one is a negative number: 63 bits of the
    BLAKE2b hash of both, of which nobody can look for a group with the number of another.
    """
    found = places << SERVICE_BITS | services
    hashed = np.flatnonzero(places < 0)
    each = zip(places[hashed].tolist(), services[hashed].tolist(), strict=True)
    found[hashed] = [_hash(place, service) for place, service in each]
    return found


def _hash(place: int, service: int) -> int:
    return ~(int.from_bytes(blake2b(struct.pack("<qi", place, service), digest_size=8).digest()) >> 1)
