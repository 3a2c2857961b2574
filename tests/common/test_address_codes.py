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
    codes = address_codes(pa.array(["10.1.4.20", "0.0.0.0", "255.255.255.255"]))
    assert codes.tolist() == [(10 << 24) + (1 << 16) + (4 << 8) + 20, 0, (1 << 32) - 1]


def test_other_texts_are_negative_and_the_same_for_ever() -> None:
    codes = address_codes(pa.array(TEXTS))
    assert codes[0] == codes[5] > 0
    assert (codes[3:5] < 0).all()
    assert len(set(codes.tolist())) == 5
    assert codes[3] == IPV6


def test_no_row_has_no_number() -> None:
    assert len(address_codes(pa.array([], pa.string()))) == 0


@pytest.mark.parametrize(
    "text",
    ["1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.999", "01.2.3.4", "1.2.3.00", "1..2.3", ".1.2.3", "1.2.3.", "1.2.3.4 ",
     "1.2.3.a", "1.2.3.4.", "1.2.3.1000", "1234", "", "...", "\u0661.2.3.4"],
)  # fmt: skip
def test_what_only_looks_like_ipv4_is_a_text(text: str) -> None:
    """Beside other addresses and alone."""
    for texts in ([text], ["9.8.7.6", text, "255.1.0.10"], [text, "1.2.3.4.5", "6.7.8"]):
        code = address_codes(pa.array(texts))[texts.index(text)]
        assert code == ~(int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1)


def test_every_ipv4_address_is_its_32_bits() -> None:
    rng = np.random.default_rng(3)
    octets = rng.choice([0, 1, 9, 10, 99, 100, 199, 249, 255], (500, 4))
    texts = pa.array([".".join(map(str, row)) for row in octets.tolist()])
    expected = octets @ (1 << np.array([24, 16, 8, 0]))
    assert address_codes(texts).tolist() == expected.tolist()
    assert address_codes(texts.slice(7, 90)).tolist() == expected[7:97].tolist()
