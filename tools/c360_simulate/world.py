"""What happens, day by day: who registers, leaves and returns, on which plan, at which price, and what they do.

It knows nothing of files: `deliveries.py` says how the sources tell of it, `truth.py` what must come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from tools.c360_simulate.activity import new_event, ordinary_events, plan_change
from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.people import PLANS, UNKNOWN_CUSTOMER, UNKNOWN_PLAN, Record, new_customer, new_phone, new_plan

CYCLE = 5
"""Days after which rare things happen again: so five days have all of them."""


@dataclass(frozen=True)
class Day:
    """A business date.

    Attributes:
        customers: as the source knows them at 00:00 UTC.
        plans: as they are at 00:00 UTC.
        events: of the day, in the order of time; those before a registration are of the day before.
        settled: customers whose row may be lost on the day, without making their plan history ambiguous.
    """

    number: int
    date: date
    customers: tuple[Record, ...]
    plans: tuple[Record, ...]
    events: tuple[Record, ...]
    settled: tuple[str, ...]


class World:
    """The state between two days."""

    def __init__(self, config: SimulateConfig) -> None:
        rng = Random(f"{config.seed}/start")
        self.config = config
        plans = (new_plan(number, rng) for number in range(1, PLANS + 1))
        self.plans: dict[str, Record] = {plan["plan_id"]: plan for plan in plans}
        self.customers: dict[str, Record] = {}
        self.away: dict[str, Record] = {}
        self.closed: dict[str, Record] = {}
        self.shown: dict[str, str | None] = {}
        """Plans that today's snapshot names for a customer in place of the true one."""
        self.stale: dict[str, str] = {}
        """Plans that tomorrow's snapshot still names."""
        self.next_number = 1
        for _ in range(config.customers):
            self._register(config.start - timedelta(days=rng.randrange(30, 900)), rng)

    def calm_day(self, number: int) -> Day:
        """A day of a year in which nobody registers or leaves, and changes of plan contradict each other."""
        day = self.config.start + timedelta(days=number)
        rng = Random(f"{self.config.seed}/calm/{number}")
        events: list[Record] = []
        for key in self.customers:
            count = self._count(rng)
            events += ordinary_events(key, day, count, rng, is_plain=True)
            if count and rng.random() < 0.1:
                moment = datetime.combine(day, time(), UTC) + timedelta(seconds=rng.randrange(1, 86_400))
                old = self._any_plan(rng)
                events.append(plan_change(key, moment, old, self._any_plan(rng, old), rng))
        events.sort(key=lambda event: (event["event_timestamp"], event["event_id"]))
        customers = tuple(customer | {"ip_ranges": None} for customer in self.customers.values())
        return Day(number, day, customers, tuple(self.plans.values()), tuple(events), ())

    def live(self, number: int) -> Day:
        """The next day."""
        day = self.config.start + timedelta(days=number)
        rng = Random(f"{self.config.seed}/day/{number}")
        self.shown, self.stale = dict(self.stale), {}
        if number:
            self._overnight(number, rng)
        customers = tuple(
            customer | {"plan_id": self.shown.get(key, customer["plan_id"])} for key, customer in self.customers.items()
        )
        plans = tuple(map(dict, self.plans.values()))
        staying = [key for key in self.customers if key not in self.shown]
        rng.shuffle(staying)
        few = self._few(0.03)
        changing, settled = staying[:few], staying[few : 3 * few]
        events = [event for key in changing for event in self._change_plans(key, day, rng)]
        newcomers = [self._register(day, rng) for _ in range(self._few(0.01))]
        for key in (*self.customers, *(key for key in self.away if rng.random() < 0.2)):
            events += ordinary_events(key, day, self._count(rng), rng)
        events += self._strange_events(newcomers, day, rng)
        events.sort(key=lambda event: (event["event_timestamp"], event["event_id"]))
        return Day(number, day, customers, plans, tuple(events), tuple(settled))

    def _few(self, share: float) -> int:
        return max(1, round(len(self.customers) * share))

    def _count(self, rng: Random) -> int:
        """A number of events with the configured mean."""
        mean = self.config.events
        return int(mean * rng.uniform(0.5, 1.5) + rng.random())

    def _register(self, day: date, rng: Random) -> str:
        customer = new_customer(self.next_number, day, self._any_plan(rng), rng)
        self.next_number += 1
        key: str = customer["customer_id"]
        self.customers[key] = customer
        return key

    def _any_plan(self, rng: Random, but: str = "") -> str:
        others = [key for key in self.plans if key != but]
        return rng.choice(others)

    def _overnight(self, number: int, rng: Random) -> None:
        """What the sources show at midnight without an event that says so."""
        for key in [key for key in self.away if rng.random() < 0.5]:
            self.customers[key] = self.away.pop(key)
        untouched = [key for key in self.customers if key not in self.shown]
        rng.shuffle(untouched)
        take = iter(untouched)
        for _ in range(self._few(0.01)):
            key = next(take)
            self.away[key] = self.customers.pop(key)
        for _ in range(self._few(0.01)):
            self._set(key := next(take), plan_id=self._any_plan(rng, self.customers[key]["plan_id"]))
        for _ in range(self._few(0.02)):
            key = next(take)
            in_ghana = self.customers[key]["country"] == "GH"
            self._set(key, phone=new_phone(in_ghana, rng), status=rng.choice(("active", "suspended")))
        self.shown[next(take)] = UNKNOWN_PLAN
        self.shown[next(take)] = None
        match number % CYCLE:
            case 1 | 4:
                self._change_price(rng)
            case 2:
                self._close_plan(next(take), rng)
            case 3:
                self.plans |= self.closed

    def _set(self, key: str, **values: object) -> None:
        self.customers[key] = self.customers[key] | values

    def _change_price(self, rng: Random) -> None:
        key = self._any_plan(rng)
        price = self.plans[key]["monthly_price"]
        self.plans[key] = self.plans[key] | {"monthly_price": (price * Decimal("1.05")).quantize(Decimal("0.01"))}

    def _close_plan(self, forgotten: str, rng: Random) -> None:
        """Its customers get other plans, but one, whom nobody moves."""
        key = self.customers[forgotten]["plan_id"]
        self.closed = {key: self.plans.pop(key)}
        for customer in [customer for customer in self.customers.values() if customer["plan_id"] == key]:
            if customer["customer_id"] != forgotten:
                self._set(customer["customer_id"], plan_id=self._any_plan(rng))

    def _change_plans(self, key: str, day: date, rng: Random) -> Iterator[Record]:
        """One or two changes of plan; some name a wrong old plan, some are unknown to the next snapshot."""
        before: str = self.customers[key]["plan_id"]
        moment = datetime.combine(day, time(), UTC) + timedelta(seconds=rng.randrange(3600, 30_000))
        for change in range(rng.choice((1, 1, 2))):
            old: str = self.customers[key]["plan_id"]
            new = self._any_plan(rng, old)
            named = self._any_plan(rng, old) if rng.random() < 1 / 3 else old
            yield plan_change(key, moment + timedelta(seconds=20_000 * change), named, new, rng)
            self._set(key, plan_id=new)
        if rng.random() < 1 / 6:
            self.stale[key] = before

    def _strange_events(self, newcomers: list[str], day: date, rng: Random) -> Iterator[Record]:
        """A newcomer's change of plan, an event before a registration, and some of unknown customers."""
        noon = datetime.combine(day, time(12), UTC)
        for key in newcomers[::2]:
            yield plan_change(key, noon, self._any_plan(rng), self.customers[key]["plan_id"], rng)
        yield new_event(rng.choice(newcomers), noon - timedelta(days=1), "login", {}, rng)
        for number in range(2):
            yield new_event(UNKNOWN_CUSTOMER.format(number), noon, "app_open", {}, rng)
