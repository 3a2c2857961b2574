"""When a schedule of EventBridge runs next."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
LONGEST = timedelta(days=4 * 366)
"""In so many days, each date that there is comes."""


def next_time(expression: str, after: datetime) -> datetime | None:
    """The first time after another one at which a schedule runs in UTC: of a rate, the last at which it does.

    None of expressions that count days from the end of a month or the next weekday, and where there is no such time.
    """
    if rate := RATE.fullmatch(expression):
        return after + timedelta(**{f"{rate[2]}s": int(rate[1])})
    cron = CRON.fullmatch(expression)
    try:
        fields = [_values(text, *bounds) for text, bounds in zip(cron.groups(), BOUNDS, strict=True)] if cron else None
    except ValueError:
        return None
    if fields is None:
        return None
    minutes, hours, days, months, weekdays, years = fields
    start = after.astimezone(UTC)
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day - start <= LONGEST:
        if (
            {day.year} <= years
            and {day.month} <= months
            and {day.day} <= days
            and {day.isoweekday() % 7 + 1} <= weekdays
        ):
            times = (
                day + timedelta(hours=hour, minutes=minute) for hour in sorted(hours) for minute in sorted(minutes)
            )
            if found := next((time for time in times if time > start), None):
                return found
        day += timedelta(days=1)
    return None


def _values(text: str, least: int, most: int) -> set[int]:
    """The values of a field of cron; raises ValueError if it is not made of numbers, names, lists, ranges and steps."""
    for names in (MONTHS, DAYS):
        for number, name in enumerate(names, 1):
            text = text.replace(name, str(number))
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in ("*", "?"):
            first, last = str(least), str(most)
        elif step and not last:
            last = str(most)
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found
