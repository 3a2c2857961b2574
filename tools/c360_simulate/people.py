"""Customers and plans as they are before anything happens to them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Record = dict[str, Any]
"""The values of a row by column of the clean zone, as they should arrive there."""

UNKNOWN_PLAN = "P999"
UNKNOWN_CUSTOMER = "C9{:05}"
PLANS = 20

_FIRST = ("Adéọlá", "Ngozi", "Chinedu", "Amina", "Tunde", "Zainab", "Emeka", "Funmi", "Ibrahim", "Kemi", "Sade", "Uche")
_LAST = (
    "Okafor",
    "Balogun",
    "Bello",
    "Eze",
    "Adeyemi",
    "O'Neill",
    "Musa",
    "Okonkwo-Hart",
    "Lawal",
    "Nwosu",
    "Abubakar",
)
_STATES = ("Lagos", "Kano", "Rivers", "Oyo", "Kaduna", "FCT", "Enugu", "Delta", "Ogun", "Borno")
_STREETS = ("Broad Street", 'Plot "B", Allen Avenue', "Ahmadu Bello Way", "Nnebisi Road; Block 3", "Aba Road\\East")
_CHANNELS = ("web", "agent", "retail store", "ussd")
_PREFIXES = ("803", "806", "813", "703", "906")
_CATEGORIES = ("Premium", "Basic", "Family", "Business", "Student")
_NAMES = ("{} Plan {}", 'Forfait "Été", {} {}', "{}; Extra {}", "Élite {} {}")


def new_customer(number: int, registered: date, plan_id: str, rng: Random) -> Record:
    """A customer on the day of registration; some lack attributes, some are companies with a network."""
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    in_ghana, is_abroad = number % 33 == 32, number % 33 == 16
    is_sparse = number % 10 == 9
    return {
        "customer_id": f"C{number:06}",
        "first_name": first,
        "last_name": last,
        "email": None if is_sparse else f"c{number}.{last.lower().replace(chr(39), '')}@example.com",
        "phone": None if is_sparse else new_phone(in_ghana, rng),
        "gender": None if is_sparse else rng.choice(("female", "male")),
        "date_of_birth": date(1950, 1, 1) + timedelta(days=rng.randrange(20_000)),
        "address": f"{rng.randrange(1, 200)} {rng.choice(_STREETS)}",
        "state": None if in_ghana else rng.choice(_STATES),
        "country": "GH" if in_ghana else None if is_abroad else "NG",
        "registration_date": registered,
        "registration_channel": rng.choice(_CHANNELS),
        "plan_id": plan_id,
        "status": "active",
        "ip_ranges": _network(number) if number % 20 == 7 else None,
    }


def _network(number: int) -> str:
    return f"10.{64 + number // 4096}.{number // 16 % 256}.{number % 16 * 16}/28"


def new_phone(in_ghana: bool, rng: Random) -> str:
    """A mobile number, E.164."""
    if in_ghana:
        return f"+23324{rng.randrange(10**7):07}"
    return f"+234{rng.choice(_PREFIXES)}{rng.randrange(10**7):07}"


def new_plan(number: int, rng: Random) -> Record:
    """A plan; a third of the plans have a currency."""
    category = _CATEGORIES[number % len(_CATEGORIES)]
    return {
        "plan_id": f"P{number:03}",
        "plan_name": _NAMES[number % len(_NAMES)].format(category, number),
        "monthly_price": Decimal(rng.randrange(50_000, 1_000_000)).scaleb(-2),
        "currency": "NGN" if number % 3 == 0 else None,
        "data_allowance_gb": float(rng.choice((1.5, 5, 20, 100))),
        "voice_minutes": rng.choice((0, 100, 300, 1000)),
        "sms_allowance": rng.choice((0, 50, 100)),
        "roaming_enabled": number % 4 == 0,
        "validity_days": rng.choice((7, 30, 365)),
        "plan_category": category,
    }
