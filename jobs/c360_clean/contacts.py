"""Addresses of customers: e-mail, phone, country, networks. What is none becomes null, and is counted."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from ipaddress import ip_network
from typing import NamedTuple

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
import pycountry

from common.arrays import Flags
from jobs.c360_clean.values import Typed, flags

_EMAIL = r"^[^@\s,;<>()\"]+@[^@\s,;<>()\".]+(\.[^@\s,;<>()\".]+)+$"
_PUNCTUATION = r"[\s\x{a0}().\-/]+"
_COUNTRIES = {"uk": "GB", "usa": "US", "u.s.a.": "US", "u.s.": "US", "england": "GB", "ivory coast": "CI"}
_TYPES = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip


def emails(texts: pa.StringArray) -> Typed:
    """Addresses in lower case."""
    lower = pc.utf8_lower(texts)
    return _kept(texts, lower, pc.match_substring_regex(lower, _EMAIL))


def countries(texts: pa.StringArray) -> Typed:
    """Countries as ISO 3166-1 alpha-2."""
    encoded = texts.dictionary_encode()
    known = pa.array([_country(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return _typed(texts, known.take(encoded.indices))


def networks(texts: pa.StringArray) -> Typed:
    """Networks, CIDR, separated by a comma without blanks; an address is a network of one."""
    encoded = texts.dictionary_encode()
    known = pa.array([_networks(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return _typed(texts, known.take(encoded.indices))


def phones(texts: pa.StringArray, regions: pa.StringArray) -> Typed:
    """Numbers that can exist, as E.164; those without a country code are of these countries, ISO 3166-1 alpha-2."""
    digits = pc.replace_substring_regex(texts, _PUNCTUATION, "")
    found = pa.nulls(len(texts), pa.string())
    for region in regions.unique().drop_null().to_pylist():
        is_there = pc.equal(regions, region)
        for usual in _usual(region):
            taken = pc.and_kleene(is_there, pc.match_substring_regex(digits, usual.pattern))
            if usual.never:
                taken = pc.and_not_kleene(taken, pc.match_substring_regex(digits, usual.never))
            if pc.any(taken).as_py():
                national = pc.utf8_slice_codeunits(digits, len(usual.before))
                found = pc.coalesce(
                    found, pc.if_else(taken, pc.binary_join_element_wise(usual.code, national, ""), None)
                )
    left = pc.and_(pc.is_valid(texts), pc.is_null(found))
    if pc.any(left).as_py():
        rows = list(zip(texts.filter(left).to_pylist(), regions.filter(left).to_pylist(), strict=True))
        found = pc.replace_with_mask(found, left, pa.array([phone(*row) for row in rows], pa.string()))
    return _typed(texts, found)


@lru_cache(100_000)
def phone(text: str, region: str | None) -> str | None:
    """The number as E.164; None if there is no such number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


class _Usual(NamedTuple):
    """A usual spelling: what it matches, what stands before the national number, the code for it, what it is not."""

    pattern: str
    before: str
    code: str
    never: str = ""


@cache
def _usual(region: str) -> list[_Usual]:
    """The usual spellings of a country's numbers without punctuation: those of which `phone` thinks the same.

    That is so of a country that is the first one of its code, and whose numbers are not rewritten.
    """
    found = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if found is None or phonenumbers.region_code_for_country_code(found.country_code or 0) != region:
        return []
    kinds = [kind for name in _TYPES if (kind := getattr(found, name)) and kind.national_number_pattern]
    number = f"(?:{'|'.join(kind.national_number_pattern for kind in kinds)})$"
    code, prefix = f"+{found.country_code}", found.national_prefix
    usual = [_Usual(rf"^\+{found.country_code}{number}", code, code)]
    if found.national_prefix_transform_rule is None and found.national_prefix_for_parsing == prefix:
        usual += [_Usual(f"^{prefix}{number}", prefix, code)] if prefix else []
        usual.append(_Usual(f"^{number}", "", code, f"^{found.country_code}"))
    examples = [kind.example_number for kind in kinds if kind.example_number]
    return [one for one in usual if all(phone(one.before + number, region) == code + number for number in examples)]


@cache
def _country(text: str) -> str | None:
    if known := _COUNTRIES.get(text.lower()):
        return known
    try:
        found = pycountry.countries.lookup(text)
    except LookupError:
        return None
    return str(found.alpha_2)


def _networks(text: str) -> str | None:
    parts = [part for part in re.split(r"[\s,;|\[\]\"]+", text) if part]
    try:
        return ",".join(str(ip_network(part, strict=False)) for part in parts) or None
    except ValueError:
        return None


def _kept(texts: pa.StringArray, values: pa.StringArray, is_right: pa.BooleanArray) -> Typed:
    """The values that are right, null for others."""
    return _typed(texts, pc.if_else(is_right, values, pa.scalar(None, pa.string())))


def _typed(texts: pa.StringArray, values: pa.StringArray) -> Typed:
    lost: Flags = flags(pc.and_(pc.is_valid(texts), pc.is_null(values)))
    return Typed(values, not_normalised=lost if lost.any() else None)
