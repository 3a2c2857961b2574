"""Times as CEF, spreadsheets and flow exports spell them, as texts that the common rules read.

A time that can be read in two ways is an error: it is never guessed.
"""

from __future__ import annotations

import re

from common.logs import values
from common.logs.epochs import iso
from common.logs.values import FieldError, shown

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: at for at, name in enumerate(_NAMES, 1)}
_CEF = re.compile(
    r"([A-Z][a-z]{2}) ([0-9]{1,2})(?: ([0-9]{4}))? ([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)(?: (.+))?"
)
_SPREADSHEET = re.compile(
    r"([0-9]{1,2})([/.])([0-9]{1,2})\2([0-9]{4}),? ([0-9]{1,2}):([0-9]{2})(:[0-9]{2})?(?:\s*([AaPp])\.?[Mm]\.?)?"
)


def cef_time(value: str | None, zone: str = "") -> str | None:
    """The time of a CEF or LEEF field as ISO-8601 text; `zone` is the zone of times that name none."""
    text = values.text(value)
    if text is None:
        return None
    match = _CEF.fullmatch(text)
    if match:
        month, day, year, clock, named = match.groups()
        if month.lower() not in _MONTHS or year is None:
            raise FieldError(f"time {shown(text)} has no year, or no month")
        offset = _offset(named, text) if named else zone
        return f"{year}-{_MONTHS[month.lower()]:02d}-{int(day):02d}T{clock}{offset}"
    return iso("time", text)


def _offset(zone: str, text: str) -> str:
    """The offset of a named zone; abbreviations other than those of UTC stand for several zones."""
    if zone in ("GMT", "UTC", "Z"):
        return "Z"
    if re.fullmatch(r"(?:GMT|UTC)?[+-][0-9]{2}:?[0-9]{2}", zone):
        return zone.removeprefix("GMT").removeprefix("UTC")
    raise FieldError(f"time {shown(text)} names the zone {shown(zone)}; only GMT, UTC and offsets are certain")


def spreadsheet_time(value: str | None) -> str | None:
    """A time that a spreadsheet may have rewritten (`3/28/2026 8:10`, `28.03.2026 08:10`); other texts unchanged.

    Raises:
        FieldError: day and month could be either (`3/4/2026`), or there is no such month.
    """
    text = values.text(value)
    match = _SPREADSHEET.fullmatch(text or "")
    if not match:
        return text
    first, point, second, year, hour, minute, seconds, half = match.groups()
    day, month = _day_and_month(int(first), int(second), point, match[0])
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise FieldError(f"time {shown(text)} has no such hour")
        hours = hours % 12 + (12 if half in "Pp" else 0)
    if not 1 <= month <= 12:
        raise FieldError(f"time {shown(text)} has no such month")
    return f"{year}-{month:02d}-{day:02d} {hours:02d}:{minute}{seconds or ''}"


def _day_and_month(first: int, second: int, point: str, text: str) -> tuple[int, int]:
    if point == "." or first > 12:
        return first, second
    if second > 12 or first == second:
        return second, first
    raise FieldError(
        f"time {shown(text)} was rewritten by a spreadsheet, and its day and month could be either: "
        "export it again, and do not save it from a spreadsheet"
    )
