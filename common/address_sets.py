"""Which of many addresses and networks hold an address."""

from __future__ import annotations

import ipaddress
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.address_codes import address_codes
from common.addresses import NETWORK_SIGN
from common.arrays import Flags, Integers

BITS = 32
NONE = np.zeros(0, dtype=np.int64)


class AddressSet:
    """Addresses and networks (canonical texts, those of networks with their length), found by any address in them.

    For each length, the networks are sorted, so that finding takes a search for each length and address.
    """

    def __init__(self, values: pa.Array) -> None:
        self._ipv4: list[tuple[int, Integers, Integers]] = []
        self._ipv6: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        starts = pc.replace_substring_regex(values, "/.*", "")
        is_ipv4, numbers = _ipv4(starts)
        given = pc.replace_substring_regex(values.filter(pa.array(is_ipv4)), "^[^/]*/?", "")
        lengths = pc.if_else(pc.equal(given, ""), f"{BITS}", given).cast(pa.int64()).to_numpy()
        places = np.flatnonzero(is_ipv4)
        for length in sorted({*lengths.tolist()}):
            mine = np.flatnonzero(lengths == length)
            order = mine[np.argsort(numbers[mine], kind="stable")]
            self._ipv4.append((length, numbers[order], places[order]))
        for place in np.flatnonzero(~is_ipv4):
            network = ipaddress.ip_network(values[place].as_py())
            self._ipv6[network.prefixlen][int(network.network_address)].append(int(place))

    def holding(self, addresses: pa.Array) -> tuple[Integers, Integers]:
        """The place of an address and that of a network that holds it, for all such pairs, in order of both.

        Addresses may have the name of a network of the project, which is left out.
        """
        plain = pc.replace_substring_regex(addresses, f"{NETWORK_SIGN}.*", "")
        is_ipv4, numbers = _ipv4(plain)
        found = [(NONE, NONE)]
        rows = np.flatnonzero(is_ipv4)
        for length, starts, places in self._ipv4:
            wanted = numbers >> (BITS - length) << (BITS - length)
            first, after = (np.searchsorted(starts, wanted, side=side) for side in ("left", "right"))
            which, nth = expanded(first, after - first)
            found.append((rows[which], places[nth]))
        if self._ipv6:
            found.append(self._holding_ipv6(plain, np.flatnonzero(~is_ipv4)))
        of_address, of_network = (np.concatenate([pair[side] for pair in found]) for side in (0, 1))
        order = np.lexsort((of_network, of_address))
        return of_address[order], of_network[order]

    def _holding_ipv6(self, addresses: pa.Array, rows: Integers) -> tuple[Integers, Integers]:
        found = []
        for row in rows.tolist():
            number = int(ipaddress.IPv6Address(addresses[row].as_py()))
            for length, networks in self._ipv6.items():
                rest = 128 - length
                found += [(row, place) for place in networks.get(number >> rest << rest, ())]
        both = np.array(found, dtype=np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]


def _ipv4(addresses: pa.Array) -> tuple[Flags, Integers]:
    """Which addresses are of IPv4, and the 32 bits of each of these."""
    codes = address_codes(addresses)
    is_ipv4 = codes >= 0
    return is_ipv4, codes[is_ipv4]


def expanded(first: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """For runs that begin at `first` and are so long: the number of the run, and the place, of each entry."""
    which = np.repeat(np.arange(len(counts)), counts)
    begun = np.cumsum(counts) - counts
    return which, np.arange(len(which)) - begun[which] + first[which]
