"""Addresses of customers."""

from __future__ import annotations

import phonenumbers
import pyarrow as pa
import pytest

from jobs.c360_clean import contacts


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("08031234567", "NG", "+2348031234567"),
        ("0803 123-4567", "NG", "+2348031234567"),
        ("+234 (803) 123 4567", "NG", "+2348031234567"),
        ("8031234567", "NG", "+2348031234567"),
        ("2348031234567", "NG", "+2348031234567"),
        ("+44 20 7946 0958", "NG", "+442079460958"),
        ("+2348031234567", None, "+2348031234567"),
        ("08031234567", None, None),
        ("0803123456", "NG", None),
        ("none", "NG", None),
        ("08031234567", "ZZ", None),
    ],
)
def test_phones(text: str, country: str | None, expected: str | None) -> None:
    found = contacts.phones(pa.array([text, None]), pa.array([country, "NG"], pa.string()))
    assert found.values.to_pylist() == [expected, None]
    assert (found.not_normalised is None) == (expected is not None)


@pytest.mark.slow
def test_usual_spellings_are_what_the_library_says_of_them() -> None:
    """Of each country: examples of each kind of number in three formats, too short, too long, and with its code."""
    count = usual = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        texts = []
        for kind in (0, 1, 3, 6):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is not None:
                number = phonenumbers.national_significant_number(example)
                formats = [phonenumbers.format_number(example, one) for one in (0, 1, 2)]
                forms = [number, f"0{number}", number[:-1], f"{number}1", f"{example.country_code}{number}"]
                texts += formats + forms + [f"+{example.country_code}{number[:-2]}{last}" for last in ("00", "99")]
        found = contacts.phones(pa.array(texts, pa.string()), pa.array([region] * len(texts), pa.string()))
        assert found.values.to_pylist() == [contacts.phone(text, region) for text in texts], region
        count += len(texts)
        usual += len(contacts._usual(region)) > 0
    assert count > 5000 and usual > 150  # neither is empty


def test_the_usual_spellings_of_a_country_are_not_parsed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert contacts._usual("NG")
    monkeypatch.setattr(contacts, "phone", None)
    texts = pa.array(["08031234567", "+234 803 123 4567", "8031234567"])
    assert contacts.phones(texts, pa.array(["NG"] * 3)).values.to_pylist() == ["+2348031234567"] * 3


def test_countries() -> None:
    texts = ["Nigeria", "nigeria", "NG", "NGA", "UK", "Viet Nam", "Atlantis", None]
    found = contacts.countries(pa.array(texts))
    assert found.values.to_pylist() == ["NG", "NG", "NG", "NG", "GB", "VN", None, None]
    assert found.not_normalised is not None and found.not_normalised.tolist() == [False] * 6 + [True, False]


def test_emails() -> None:
    texts = ["Ada@Example.COM", "a.b+c@d-e.co.uk", "a@b", "a@@b.c", "a b@c.d", "@b.c", "a@.c", "a@b..c", None]
    found = contacts.emails(pa.array(texts))
    assert found.values.to_pylist() == ["ada@example.com", "a.b+c@d-e.co.uk", *[None] * 7]


def test_networks() -> None:
    texts = ["10.0.0.0/24, 10.1.0.1", '["10.0.0.0/8"]', "10.0.0.7/24", "2001:db8::/32", "here", None]
    found = contacts.networks(pa.array(texts))
    assert found.values.to_pylist() == [
        "10.0.0.0/24,10.1.0.1/32", "10.0.0.0/8", "10.0.0.0/24", "2001:db8::/32", None, None,
    ]  # fmt: skip
