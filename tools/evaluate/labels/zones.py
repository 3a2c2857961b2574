"""The zone of local times in labels."""

from __future__ import annotations

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.errors import InputError


def zone_of(name: str) -> tzinfo:
    """The zone of a name like Europe/Prague, or of an offset like +02:00.

    Raises:
        InputError: it is neither.
    """
    try:
        found = datetime.strptime(name, "%z").tzinfo if name[:1] in ("+", "-") else ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        found = None
    if found is None:
        raise InputError(f"{name!r} is no time zone", "Give --labels-time-zone an IANA name or an offset like +02:00")
    return found
