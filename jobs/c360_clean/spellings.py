"""The value of one text that is not spelled as usual; most values never come here."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

CENTS = Decimal("0.01")
GREATEST_AMOUNT = Decimal(10**10)
TOO_GREAT = 2**63

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_NAMED = re.compile(r"(\d{1,2})[ .-]+([A-Za-z]{3,9})\.?[ ,-]+(\d{4})")
_NAMED_FIRST = re.compile(r"([A-Za-z]{3,9})\.? +(\d{1,2}),? +(\d{4})")
_TIME = re.compile(r"T(?=\d{1,2}:|\d{4})| +(?=\d{1,2}:\d\d)")
_EPOCHS = {10: 1, 13: 1_000, 16: 1_000_000}
_EPOCH = re.compile(r"(\d{10}|\d{13}|\d{16})(\.\d+)?")
_NUMBER = re.compile(r"[+-]?[\d.,' \u00a0\u202f]*\d[\d.,' \u00a0\u202f]*")
_THOUSANDS = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})*")
_SYMBOLS = {"₦": "NGN", "€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY", "₹": "INR", "₵": "GHS"}
_CURRENCY = re.compile(rf"[{''.join(_SYMBOLS)}]|(?<![A-Za-z])[A-Za-z]{{3}}(?![A-Za-z])")
_YES = {"y": True, "yes": True, "true": True, "t": True, "1": True, "on": True,
        "n": False, "no": False, "false": False, "f": False, "0": False, "off": False}  # fmt: skip


class SpellingError(Exception):
    """A text is no value of its column; the message says why."""


@lru_cache(100_000)
def day(text: str) -> date:
    """The date: ISO, 20260310, 2026/03/10, 10.03.2026, 10/03/2026, 10 Mar 2026 or Mar 10, 2026.

    Where day and month could be exchanged, the day comes first; where only the other order is a date, it is that.
    """
    date_text = _TIME.split(text, maxsplit=1)[0]
    try:
        if found := _YEAR_FIRST.fullmatch(date_text):
            if found[2] or len(date_text) == len("20260310"):
                return date(int(found[1]), int(found[3]), int(found[4]))
        elif found := _YEAR_LAST.fullmatch(date_text):
            first, second = int(found[1]), int(found[3])
            return date(int(found[4]), *((second, first) if second <= 12 else (first, second)))
        elif found := _NAMED.fullmatch(date_text):
            return date(int(found[3]), _month(found[2]), int(found[1]))
        elif found := _NAMED_FIRST.fullmatch(date_text):
            return date(int(found[3]), _month(found[1]), int(found[2]))
    except ValueError:
        raise SpellingError("impossible date") from None
    raise SpellingError("no date")


def _month(name: str) -> int:
    for number, known in enumerate(_MONTHS, 1):
        if known.startswith(name.lower()):
            return number
    raise SpellingError("no date")


def moment(text: str) -> datetime:
    """The time in UTC: a date as `day` reads it, with or without a time; or seconds since 1970, or milliseconds.

    A time without an offset is UTC.
    """
    if found := _EPOCH.fullmatch(text):
        whole = int(found[1]) * (1_000_000 // _EPOCHS[len(found[1])])
        fraction = int(Decimal(found[2] or 0) * 1_000_000) // _EPOCHS[len(found[1])]
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=whole + fraction)
    date_text, *time_text = _TIME.split(text, maxsplit=1)
    found_day = day(date_text)
    if not time_text:
        return datetime(found_day.year, found_day.month, found_day.day, tzinfo=UTC)
    clock = time_text[0].strip().upper().removesuffix(" UTC")
    clock = re.sub(r"\s+(?=[+-Z])", "", clock)
    try:
        found_moment = datetime.fromisoformat(f"{found_day}T{clock.zfill(len(clock) + (clock[1:2] == ':'))}")
        return found_moment.astimezone(UTC) if found_moment.tzinfo else found_moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise SpellingError("impossible date") from None


def number(text: str) -> Decimal:
    """The number, with a point or a comma before its decimals, and anything usual between thousands.

    A single point is a decimal point; a single comma with three digits after it is between thousands.
    """
    if not _NUMBER.fullmatch(text):
        try:
            found = Decimal(text)
        except ArithmeticError:
            raise SpellingError("no number") from None
        if not found.is_finite():
            raise SpellingError("no number")
        return found
    digits = re.sub(r"['\s]", "", text)
    sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits.removeprefix("+"))
    comma, point = digits.count(","), digits.count(".")
    if comma and point:
        mark = max(",.", key=digits.rfind)
        whole, _, decimals = digits.rpartition(mark)
        other = "." if mark == "," else ","
        if mark in whole or other in decimals or not _THOUSANDS.fullmatch(whole):
            raise SpellingError("no number")
        return Decimal(f"{sign}{whole.replace(other, '')}.{decimals or 0}")
    if comma or point > 1:
        if _THOUSANDS.fullmatch(digits):
            return Decimal(sign + re.sub("[.,]", "", digits))
        if comma != 1 or point:
            raise SpellingError("no number")
        return Decimal(sign + digits.replace(",", "."))
    return Decimal(sign + digits)


def whole(text: str) -> int:
    """The whole number."""
    found = number(text)
    if found != found.to_integral_value() or abs(found) >= TOO_GREAT:
        raise SpellingError("no whole number")
    return int(found)


def real(text: str) -> float:
    """The number as a double."""
    found = float(number(text))
    if abs(found) == float("inf"):
        raise SpellingError("number out of range")
    return found


def amount(text: str) -> Decimal:
    """The amount of money, without its currency, in hundredths, halves rounded up."""
    bare = _CURRENCY.sub("", text, count=1).strip()
    found = number(bare or "-")
    if abs(found) >= GREATEST_AMOUNT:
        raise SpellingError("number out of range")
    return found.quantize(CENTS, ROUND_HALF_UP)


def currency(text: str) -> str | None:
    """The currency, ISO 4217, in an amount or by itself: a symbol, or three letters; None if there is none."""
    found = _CURRENCY.search(text)
    return _SYMBOLS.get(found[0], found[0].upper()) if found else None


def yes(text: str) -> bool:
    """Whether it says yes."""
    found = _YES.get(text.lower())
    if found is None:
        raise SpellingError("neither yes nor no")
    return found
