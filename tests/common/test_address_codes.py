"""The numbers of addresses."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest

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


@pytest.mark.parametrize(
    "text",
    ["1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.999", "01.2.3.4", "1.2.3.00", "1..2.3", ".1.2.3", "1.2.3.", "1.2.3.4 ",
     "1.2.3.a", "1.2.3.4.", "1.2.3.1000", "1234", "", "...", "\u0661.2.3.4"],
)  # fmt: skip
def test_what_only_looks_like_ipv4_is_a_text(text: str) -> None:
    """Beside other addresses and alone, and whatever the dictionary's other texts are."""
    for texts in ([text], ["9.8.7.6", text, "255.1.0.10"], [text, "1.2.3.4.5", "6.7.8"]):
        code = address_codes(pa.chunked_array([texts]))[texts.index(text)]
        assert code == ~(int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1)


def test_every_ipv4_address_is_its_32_bits() -> None:
    rng = np.random.default_rng(3)
    octets = rng.choice([0, 1, 9, 10, 99, 100, 199, 249, 255], (500, 4))
    texts = pa.array([".".join(map(str, row)) for row in octets.tolist()])
    expected = octets @ (1 << np.array([24, 16, 8, 0]))
    assert address_codes(pa.chunked_array([texts])).tolist() == expected.tolist()
    assert address_codes(pa.chunked_array([texts.slice(7, 90)])).tolist() == expected[7:97].tolist()
    assert address_codes(pa.chunked_array([texts.dictionary_encode().slice(7, 90)])).tolist() == expected[7:97].tolist()
