"""The numbers of addresses."""

from __future__ import annotations

import pyarrow as pa

from common.address_codes import address_codes

TEXTS = ["10.1.4.20", "0.0.0.0", "255.255.255.255", "2001:db8::1", "10.1.4.20@berlin", "10.1.4.20"]
IPV6 = -3_165_363_512_049_925_384
"""~(the first 8 bytes of BLAKE2b-64 of the text >> 1)."""


def test_an_ipv4_address_is_its_32_bits() -> None:
    codes = address_codes(pa.chunked_array([["10.1.4.20", "0.0.0.0", "255.255.255.255"]]))
    assert codes.tolist() == [(10 << 24) + (1 << 16) + (4 << 8) + 20, 0, (1 << 32) - 1]


def test_other_texts_are_negative_and_the_same_for_ever() -> None:
    codes = address_codes(pa.chunked_array([TEXTS]))
    assert codes[0] == codes[5] > 0
    assert (codes[3:5] < 0).all()
    assert len(set(codes.tolist())) == 5
    assert codes[3] == IPV6


def test_dictionaries_of_batches_give_the_same_numbers() -> None:
    plain = pa.chunked_array([TEXTS, TEXTS[3:], TEXTS[:2]])
    one = pa.array(TEXTS).dictionary_encode()
    shared = pa.chunked_array([one, one.slice(3), pa.array(TEXTS[:2]).dictionary_encode()])
    assert address_codes(shared).tolist() == address_codes(plain).tolist()


def test_no_row_has_no_number() -> None:
    assert len(address_codes(pa.chunked_array([], pa.string()))) == 0
    assert len(address_codes(pa.chunked_array([[]], pa.string()))) == 0


def test_batches_of_plain_texts_do_not_share_a_dictionary() -> None:
    batches = [[f"10.0.{batch}.{number}" for number in range(200 - batch)] for batch in range(40)]
    expected = [(10 << 24) + (batch << 8) + number for batch in range(40) for number in range(200 - batch)]
    assert address_codes(pa.chunked_array(batches)).tolist() == expected
