"""The spellings in which sources write a value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from tools.c360_simulate.delivery import Form, Row
from tools.c360_simulate.people import Record

Speller = Callable[[Any, Random], Any]
NAMES = {"NG": "Nigeria", "GH": "Ghana"}
PAYLOAD_COLUMNS = ("old_plan_id", "new_plan_id", "duration_seconds", "mb_used", "amount")
_COUNTRIES = {"NG": ("Nigeria", "NG", "NGA", "nigeria"), "GH": ("Ghana", "GH", "GHA")}
_LAGOS = timezone(timedelta(hours=1))


def fields_of(row: Row, form: Form, rng: Random) -> Record:
    """The fields of a row of NDJSON as a source writes them."""
    fields = {name: value for name, value in row.values.items() if name not in PAYLOAD_COLUMNS}
    if form.is_plain:
        fields = {name: _usual(name, value) for name, value in fields.items() if name != "ip_ranges"}
    else:
        is_abroad = fields.get("country") is None
        fields = {name: _any(name, value, is_abroad, rng) for name, value in fields.items()}
        fields = {name: value for name, value in fields.items() if value is not None or rng.random() < 0.5}
    if form.has_more:
        fields["loyalty_tier"] = rng.choice(("gold", "silver"))
    return fields | dict(row.written)


def cells_of(row: Row, form: Form, rng: Random) -> dict[str, str]:
    """The cells of a row of CSV."""
    values = dict(row.values)
    currency, price = values.pop("currency"), values.pop("monthly_price")
    cells = {name: "" if value is None else _number(value) for name, value in values.items()}
    yes, no = ("Y", "N") if form.is_plain else rng.choice((("Y", "N"), ("yes", "no"), ("TRUE", "false"), ("1", "0")))
    cells["roaming_enabled"] = yes if values["roaming_enabled"] else no
    cells["monthly_price"] = _amount(price, currency, form, rng)
    return {name: cells[name] for name in values_order(row.values)} | {k: str(v) for k, v in row.written.items()}


def values_order(values: Record) -> list[str]:
    """The columns of the plans in the order of the source, which has no column for the currency."""
    return [name for name in values if name != "currency"]


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _amount(price: Decimal, currency: str | None, form: Form, rng: Random) -> str:
    text = f"{price:.2f}" if form.is_plain or rng.random() < 0.5 else f"{price:,.2f}"
    if form.decimal_comma:
        text = f"{price:,.2f}".translate(str.maketrans(",.", ".,"))
    if currency is None:
        return text
    naira = f"₦{text}"
    return rng.choice((f"NGN {text}", f"{text} NGN", naira if form.encoding != "latin-1" else f"NGN{text}"))


def _usual(name: str, value: Any) -> Any:
    if name == "country":
        return NAMES.get(value, value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return str(value) if isinstance(value, date) else value


def _any(name: str, value: Any, is_abroad: bool, rng: Random) -> Any:
    if isinstance(value, datetime):
        return _moment(value, rng)
    if isinstance(value, date):
        return _date(value, rng)
    match name:
        case "email":
            return rng.choice((None, "nobody(at)example", "")) if value is None else _email(value, rng)
        case "phone":
            return rng.choice((None, "12345", "n/a")) if value is None else _phone(value, is_abroad, rng)
        case "country":
            return "Naijaland" if value is None else rng.choice(_COUNTRIES[value])
        case "gender" | "registration_channel" | "status" | "event_type" if value is not None:
            return rng.choice((value, value, value.upper(), value.capitalize()))
    return value


def _email(value: str, rng: Random) -> str:
    return rng.choice((value, value.upper(), value.title(), f" {value} "))


def _phone(value: str, is_abroad: bool, rng: Random) -> str:
    code, rest = value[:4], value[4:]
    spaced = f"{rest[:-7]} {rest[-7:-4]} {rest[-4:]}"
    abroad = (value, f"{code} {spaced}", f"{code}-{spaced.replace(' ', '-')}")
    home = (f"0{rest}", f"0{spaced}", f"(0{rest[:-7]}) {rest[-7:-4]}-{rest[-4:]}", value.removeprefix("+"))
    return rng.choice(abroad if is_abroad else (*abroad, *home))


def _date(value: date, rng: Random) -> str:
    """A date with the day before the month, wherever a month is a number."""
    return format(value, rng.choice(("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d", "%d %b %Y")))


def _moment(value: datetime, rng: Random) -> str | int:
    seconds = int(value.timestamp())
    match rng.randrange(8):
        case 0:
            return seconds
        case 1:
            return 1000 * seconds
        case 2:
            return value.astimezone(_LAGOS).isoformat()
        case 3:
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case 4:
            return f"{value:%Y-%m-%dT%H:%M:%S}.000Z"
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"
