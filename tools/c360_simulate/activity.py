"""Events of customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from tools.c360_simulate.people import Record

_DAY_SECONDS = 86_000
_KINDS = (
    "sms_sent", "login", "logout", "balance_check", "app_open", "app_click", "network_drop",
    "call", "call", "data_session", "data_session", "topup", "purchase_addon",
)  # fmt: skip
_DEVICES, _NETWORKS = ("iOS", "Android", "Feature Phone"), ("5G", "4G", "3G")
_AMOUNTS = (100, 500, 1000, 2500.5)
_TEXTS_OF_AMOUNTS = ("1,500.00", "₦750.00", "350")
_MEASURES = ("old_plan_id", "new_plan_id", "duration_seconds", "mb_used", "amount")


def new_event(customer_id: str, moment: datetime, kind: str, payload: dict[str, Any] | None, rng: Random) -> Record:
    """An event: the payload as the source writes it, and the columns that are made of it."""
    given = payload or {}
    paid = given.get("amount", given.get("price"))
    return {
        "event_id": str(UUID(int=rng.getrandbits(128), version=4)),
        "customer_id": customer_id,
        "event_type": kind,
        "event_timestamp": moment,
        "device_type": rng.choice(_DEVICES),
        "ip_address": f"102.89.{rng.randrange(256)}.{rng.randrange(1, 255)}",
        "network_type": rng.choice(_NETWORKS),
        **{name: given.get(name) for name in _MEASURES},
        "amount": None if paid is None else Decimal(str(paid).replace(",", "").lstrip("₦")).quantize(Decimal("0.01")),
        "payload": payload,
    }


def plan_change(customer_id: str, moment: datetime, old: str, new: str, rng: Random) -> Record:
    """A `plan_changed` event."""
    return new_event(customer_id, moment, "plan_changed", {"new_plan_id": new, "old_plan_id": old}, rng)


def ordinary_events(customer_id: str, day: date, count: int, rng: Random, is_plain: bool = False) -> Iterator[Record]:
    """At least so many events of a customer on a day; a call is two. If not plain, some amounts are texts."""
    amounts = _AMOUNTS if is_plain else (*_AMOUNTS, *_TEXTS_OF_AMOUNTS)
    midnight = datetime.combine(day, time(), UTC)
    for _ in range(count):
        moment = midnight + timedelta(seconds=rng.randrange(_DAY_SECONDS))
        match kind := rng.choice(_KINDS):
            case "call":
                call, seconds = f"call-{rng.getrandbits(40):010x}", rng.randrange(5, 3600)
                end = min(moment + timedelta(seconds=seconds), midnight + timedelta(seconds=_DAY_SECONDS))
                yield new_event(customer_id, moment, "call_started", {"call_id": call}, rng)
                measured = {"call_id": call, "duration_seconds": seconds}
                yield new_event(customer_id, end, "call_ended", measured, rng)
            case "data_session":
                yield new_event(customer_id, moment, kind, {"mb_used": rng.randrange(1, 400_000) / 100}, rng)
            case "topup":
                yield new_event(customer_id, moment, kind, {"amount": rng.choice(amounts)}, rng)
            case "purchase_addon":
                addon = {"addon": rng.choice(("Night pack", "1 GB weekend")), "price": rng.choice((350, 1500))}
                yield new_event(customer_id, moment, kind, addon, rng)
            case _:
                yield new_event(customer_id, moment, kind, rng.choice(({}, {}, None)), rng)
