"""How the sources tell of a day: in which files, when they come, and what is wrong with them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.delivery import BROKEN, Delivery, Form, Row
from tools.c360_simulate.people import Record
from tools.c360_simulate.world import CYCLE, Day

MISSING, NO_DATE, NO_NUMBER, NEGATIVE = "missing", "impossible date", "no number", "negative"
SEMICOLONS = Form("utf-8-sig", delimiter=";", decimal_comma=True)
PLANS_FORMS = (Form(), SEMICOLONS, Form("latin-1", quotes_all=True), Form(newline="\r\n", is_gzip=True))
_Fault = tuple[dict[str, Any], str, str | None]
_EVENT_FAULTS: tuple[_Fault, ...] = (
    ({"event_timestamp": "2026-02-30T10:00:00Z"}, NO_DATE, "event_timestamp"),
    ({"customer_id": None}, MISSING, "customer_id"),
    ({"payload": {"mb_used": -3.5}}, NEGATIVE, "mb_used"),
    ({"payload": {"call_id": "x", "duration_seconds": "abc"}}, NO_NUMBER, "duration_seconds"),
    ({}, BROKEN, None),
)  # fmt: skip
_PLAN_FAULTS: tuple[_Fault, ...] = (
    ({"monthly_price": "-5.00"}, NEGATIVE, "monthly_price"),
    ({"voice_minutes": "many"}, NO_NUMBER, "voice_minutes"),
    ({"plan_id": ""}, MISSING, "plan_id"),
    ({"validity_days": "soon"}, NO_NUMBER, "validity_days"),
)


class Sources:
    """The three sources; `deliveries` of a day are in the order in which they arrive."""

    def __init__(self, config: SimulateConfig) -> None:
        self.config = config

    def deliveries(self, day: Day) -> list[Delivery]:
        """All files of a business date: some arrive on the day after, if that is simulated."""
        rng = Random(f"{self.config.seed}/files/{day.number}")
        found = [*self._customers(day, rng), *self._plans(day, rng), *self._activity(day, rng), *self._refused(day)]
        return sorted(found, key=lambda delivery: delivery.moment)

    def _has_next(self, day: Day) -> bool:
        return day.number + 1 < self.config.days

    def _file(
        self, day: Day, dataset: str, name: str, moment: str, rows: Sequence[Row] = (), days: int = 0
    ) -> Delivery:
        """A file of the day; `{}` in its name is the date, the moment is `HH:MM`."""
        name = name.format(day.date if day.number % 2 else f"{day.date:%Y%m%d}")
        at = datetime.combine(day.date, time.fromisoformat(moment), UTC) + timedelta(days=days)
        return Delivery(dataset, name, day.date, at, tuple(rows), seed=f"{self.config.seed}/{day.number}/{name}")

    def _customers(self, day: Day, rng: Random) -> Iterator[Delivery]:
        lost, *wrong = day.settled[:4]
        rows = [_customer_row(customer, lost, day.number) for customer in day.customers]
        match day.number % CYCLE:
            case 1:  # rows that a second file of the day corrects, one of them rejected before
                first = [_wrong_row(row, wrong) for row in rows]
                right = [row for row in rows if row.values["customer_id"] in wrong]
                file = self._file(day, "customers", "customers_{}.ndjson", "01:10", first)
                yield replace(file, form=Form(newline="\r\n"))
                yield self._file(day, "customers", "customers_{}_corrections.ndjson", "13:00", right)
            case 2 if self._has_next(day):
                yield self._file(day, "customers", "customers_{}.ndjson", "09:00", rows, days=1)
            case 3:
                file = self._file(day, "customers", "customers_{}.ndjson.gz", "01:10", rows)
                yield replace(file, form=Form(is_gzip=True, has_more=True))
            case 4:
                half = len(rows) // 2
                yield self._file(day, "customers", "customers_{}_part1.ndjson", "01:10", rows[:half])
                yield self._file(day, "customers", "customers_{}_part2.ndjson", "01:11", rows[half:])
            case _:
                yield self._file(day, "customers", "customers_{}.ndjson", "01:10", rows)

    def _plans(self, day: Day, rng: Random) -> Iterator[Delivery]:
        """The plans, with one faulty row more; every fifth day they do not come."""
        place = day.number % CYCLE
        if place >= len(PLANS_FORMS):
            return
        written, fault, column = _PLAN_FAULTS[place]
        strange = Row(day.plans[0] | {"plan_id": f"P{800 + day.number}"}, written, fault, column)
        form = PLANS_FORMS[place]
        name = "plans_{}.csv.gz" if form.is_gzip else "plans_{}.csv"
        file = self._file(day, "plans", name, "01:20", [*map(Row, day.plans), strange])
        yield replace(file, form=form)
        if place == 1:
            yield replace(self._file(day, "plans", "plans_{}_more.csv", "01:25"), content=b"plan_id,plan_name\n")

    def _activity(self, day: Day, rng: Random) -> Iterator[Delivery]:
        rows = [*map(Row, day.events), *_faulty_events(day, rng)]
        rows += rng.sample(rows, min(2, len(rows)))  # sent twice
        name = "logs_{}.ndjson"
        match day.number % CYCLE:
            case 1:  # in two files, some of it and corrections a day late
                late = rows[::20] if self._has_next(day) else []
                rest = [row for place, row in enumerate(rows) if place % 20 or not late]
                noon = len(rest) // 2
                yield self._file(day, "activity_logs", name.replace("_", "_am_"), "12:05", rest[:noon])
                yield self._file(day, "activity_logs", name.replace("_", "_pm_"), "23:58", rest[noon:])
                if late:
                    late += list(_corrected(rest))
                    yield self._file(day, "activity_logs", name.replace("_", "_late_"), "02:00", late, days=1)
            case 2:  # cut while it was written; whole on the day after
                whole = len(rows) * 2 // 3
                cut = [*rows[:whole], Row(rows[whole].values, fault=BROKEN)]
                yield replace(self._file(day, "activity_logs", name, "23:58", cut), ends_early=True)
                if self._has_next(day):
                    yield self._file(day, "activity_logs", name, "03:00", rows, days=1)
            case 3:  # sent again: under another name, and on the day after under the same
                file = self._file(day, "activity_logs", name, "23:50", rows)
                copy = self._file(day, "activity_logs", "copy of " + name, "23:55")
                yield from (file, replace(file, name=copy.name, moment=copy.moment))
                if self._has_next(day):
                    yield replace(file, moment=file.moment + timedelta(hours=4), is_known=True)
            case 4:
                folder = f"year={day.date:%Y}/month={day.date:%m}/day={day.date:%d}"
                file = self._file(day, "activity_logs", f"{folder}/activity.ndjson.gz", "23:58", rows)
                yield replace(file, form=Form(is_gzip=True))
            case _:
                yield self._file(day, "activity_logs", name, "23:58", rows)

    def _refused(self, day: Day) -> Iterator[Delivery]:
        """Files that are none of their dataset."""
        packed = gzip.compress(b'{"event_id": "1"}\n' * 100, mtime=0)
        lines = b'{"event_id": "1", "customer_id": "C1", "event_type": "login", "event_timestamp": 1772359200}\n' * 90
        kinds: tuple[tuple[tuple[str, str, bytes, str], ...], ...] = (
            (("customers", "customers_{}_test.ndjson", b"", "empty"),),
            (("activity_logs", "logs_{}_error.ndjson", b"<html>\n<body>502</body>\n</html>\n", "no such format"),),
            (("invoices", "invoices_{}.csv", b"invoice_id\n1\n", "unknown dataset"),),
            (("activity_logs", "logs_{}_x.ndjson.gz", packed[: len(packed) // 2], "damaged"),),
            (
                ("plans", "plans_{}_x.csv", b"plan_name,monthly_price\nBasic,5\n", "required column missing"),
                ("activity_logs", "logs_{}_bad.ndjson", lines + b'{"event_id":\n' * 10, "too many broken lines"),
            ),
        )  # fmt: skip
        for dataset, name, content, fault in kinds[day.number % CYCLE]:
            yield replace(self._file(day, dataset, name, "15:00"), content=content, fault=fault)


def sample_deliveries(days: Sequence[Day], config: SimulateConfig) -> Iterator[Delivery]:
    """The files of all days at once, with the customers and plans; on the day after, these two again."""
    sources, last, form = Sources(config), days[-1], Form(is_plain=True)
    for days_later in (0, 1):
        later = replace(last, date=last.date + timedelta(days=days_later))
        for dataset, name, records in (("customers", "customers.ndjson", last.customers),
                                       ("plans", "plans.csv", last.plans)):  # fmt: skip
            file = sources._file(later, dataset, name, "23:00", list(map(Row, records)))
            yield replace(file, form=form)
    for day in days:
        folder = f"year={day.date:%Y}/month={day.date:%m}/day={day.date:%d}"
        file = sources._file(last, "activity_logs", f"{folder}/logs_{day.date:%Y%m%d}.ndjson", "23:00")
        yield replace(file, day=day.date, rows=tuple(map(Row, day.events)), form=form)


def _customer_row(customer: Record, lost: str, number: int) -> Row:
    if customer["customer_id"] != lost:
        return Row(customer)
    if number % 2:
        return Row(customer, {"customer_id": None}, MISSING, "customer_id")
    return Row(customer, {"registration_date": "2026-02-30"}, NO_DATE, "registration_date")


def _wrong_row(row: Row, wrong: Sequence[str]) -> Row:
    """The row as it was before its correction: rejected for the first of these customers."""
    key = row.values["customer_id"]
    if key == wrong[0]:
        return replace(row, written={"date_of_birth": "31/11/1980"}, fault=NO_DATE, column="date_of_birth")
    return replace(row, values=row.values | {"address": "?", "status": "test"}) if key in wrong else row


def _faulty_events(day: Day, rng: Random) -> Iterator[Row]:
    """Events that must be rejected: one in a hundred."""
    for number in range(len(day.events) // 100):
        written, fault, column = _EVENT_FAULTS[number % len(_EVENT_FAULTS)]
        event = rng.choice(day.events) | {"event_id": str(UUID(int=rng.getrandbits(128), version=4))}
        yield Row(event, written, fault, column)


def _corrected(rows: Sequence[Row]) -> Iterator[Row]:
    """Calls that were longer than the source said first."""
    calls = [row for row in rows if row.values["event_type"] == "call_ended" and not row.fault][:5]
    for row in calls:
        payload = row.values["payload"] | {"duration_seconds": row.values["duration_seconds"] + 60}
        yield Row(row.values | {"payload": payload, "duration_seconds": payload["duration_seconds"]})
