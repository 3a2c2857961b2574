from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from common.arrays import Integers
from common.detection.pairs.contacts import Finder, Numbering, changes, distinct, places
from common.detection.pairs.evidence import NOVELTIES
from common.detection.pairs.pair_keys import PairKeys
from common.detection.pairs.words import WORDS

NOW = datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
ROWS = [
    ("10.0.0.1", "outbound", "198.51.100.7", 443),
    ("10.0.0.1@paris", "inbound", "198.51.100.9", 22),
    ("10.0.0.1", "outbound", "2001:db8::7", 53),
    ("fd00::2", "outbound", "2001:db8::9", 443),
    ("10.0.0.1", "outbound", "10.1.4.20@berlin", 443),
    ("10.0.0.1", "outbound", "10.1.4.21", 443),
]


def rows(*places_of: int, coded: bool = False) -> pa.Table:
    """These rows as a table, as texts or as dictionaries."""
    host, role, peer, port = zip(*(ROWS[place] for place in places_of), strict=True)
    texts = {"host_ip": host, "role": role, "peer_ip": peer, **dict.fromkeys(WORDS, [None] * len(host))}
    columns = {name: pa.chunked_array([values[:2], values[2:]], pa.string()) for name, values in texts.items()}
    if coded:
        columns = {name: column.dictionary_encode() for name, column in columns.items()}
    return pa.table(columns | {"peer_port": pa.array(port, pa.int32())})


def numbers(*values: int) -> Integers:
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize("coded", [False, True])
def test_a_host_has_one_number_in_all_tables(coded: bool) -> None:
    numbering = Numbering(64)
    first = numbering.contacts(rows(0, 1, 2, coded=coded), numbers(*[0] * 3))
    later = numbering.contacts(rows(3, 1, 0, 1, coded=coded), numbers(*[0] * 4))
    assert first.host[0] == first.host[2] != first.host[1]
    assert later.host.tolist() == [2, first.host[1], first.host[0], first.host[1]]
    assert later.service.tolist() == [886, 45, 886, 45]  # 2 x 443, 2 x 22 + 1


@pytest.mark.parametrize("coded", [False, True])
def test_networks_are_of_addresses_with_and_without_a_network_of_the_project(coded: bool) -> None:
    contacts = Numbering(64).contacts(rows(*range(6), coded=coded), numbers(*[0] * 6))
    network = contacts.networks[contacts.peer].tolist()
    assert network[0] == network[1] != network[4] == network[5]  # 198.51.100 and 10.1.4
    assert network[2] == network[3] < 0  # 2001:db8::/64
    assert len(set(contacts.peers[contacts.peer].tolist())) == 6


def test_keys_tell_apart_only_what_the_pairs_have_to_do_with() -> None:
    numbering = Numbering(64)
    keys = PairKeys.of([numbering.contacts(rows(0), numbers(*[0] * 1))])  # 198.51.100.7 and its network, 443 outbound
    found = keys.of_contacts(numbering.contacts(rows(0, 1, 2, 3, 4, 5), numbers(*[0] * 6)))
    host, target, service = keys.parts(found)
    assert host.tolist() == [0, 1, 0, 2, 0, 0]
    assert target.tolist() == [0, 1, 2, 2, 2, 2]  # the peer, another in its network, others
    assert service.tolist() == [0, 2, 1, 0, 0, 0]  # 443, another inbound, another outbound
    assert keys.inbound(service).tolist() == [False, True, False, False, False, False]
    values = {what: keys.value(what, target, service) for what in NOVELTIES}
    assert values["peer"].tolist() == [0, -1, -1, -1, -1, -1]
    assert values["network"].tolist() == [0, 1, -1, -1, -1, -1]  # its role counts
    assert values["service"].tolist() == [0, -1, -1, 0, 0, 0]
    assert values["use"].tolist() == [0, -1, -1, -1, -1, -1]


def test_values_are_found_among_sorted_ones() -> None:
    assert distinct(numbers(5, 3, 5, 9, 3)).tolist() == [3, 5, 9]
    assert changes(numbers(3, 3, 5, 5, 3)).tolist() == [0, 2, 4]
    assert changes(numbers()).tolist() == distinct(numbers()).tolist() == []
    place, known = places(numbers(3, 5, 9), numbers(9, 4, 3, 10, -1))
    assert known.tolist() == [True, False, True, False, False] and place[known].tolist() == [2, 0]
    assert places(numbers(), numbers(1))[1].tolist() == [False]


def test_a_finder_finds_what_a_search_finds() -> None:
    rng = np.random.default_rng(0)
    wanted = distinct(rng.integers(0, 1 << 54, 20_000))  # a twentieth shares its place in the table of hashes
    values = np.concatenate([rng.permutation(wanted), rng.integers(0, 1 << 54, 20_000), wanted + 1])
    (place, known), (expected, there) = Finder(wanted).places(values), places(wanted, values)
    np.testing.assert_array_equal(known, there)
    np.testing.assert_array_equal(place[known], expected[there])
    assert Finder(numbers(7)).places(numbers(7, 0, 8))[1].tolist() == [True, False, False]
