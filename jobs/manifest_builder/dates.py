"""The date that a file belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from common.ingestion.keys import UNDATED

DATE = re.compile(r"(?<![0-9])(?=([0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9]))")


@dataclass(frozen=True)
class FileDate:
    """The date of a file, `warning` if it is not that of its name.

    `home` is the partition that all announcements of the file share, whenever they come: the date in its name.
    """

    date_prefix: str
    home: str
    warning: str | None = None


def file_date(object_key: str, today: date) -> FileDate:
    """The first date of the calendar in the file's name, or today if there is none or it is not before tomorrow ends.

    Dates are UTC; digits beside a date make it something else.
    """
    name = object_key.rpartition("/")[2]
    named = next((found for text in DATE.findall(name) if (found := _calendar_date(text))), None)
    if named is None:
        return FileDate(today.isoformat(), UNDATED, "the name has no valid date YYYY-MM-DD; today is taken")
    if named > today + timedelta(days=1):
        warning = f"the date {named} in the name is more than one day ahead; today is taken"
        return FileDate(today.isoformat(), named.isoformat(), warning)
    return FileDate(named.isoformat(), named.isoformat())


def _calendar_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
