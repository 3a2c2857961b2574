"""Calendars for tests: a base entry and what differs from it, put in place in a lake."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from common.calendar.entries import TABLE
from common.lake.lake import Lake
from common.lake.put_texts import put_text
from tests.factories import SPEC
from tests.lakes import mark_lake

BASE = {"reason": "penetration test", "owner": "ann"}


def calendar_text(*entries: dict[str, Any]) -> str:
    """A calendar of these entries, each named by its place if it has no name."""
    return yaml.safe_dump(
        {"entries": [{"name": f"entry-{place}"} | BASE | entry for place, entry in enumerate(entries)]}
    )


def put_calendar(lake: Path | str, *entries: dict[str, Any]) -> None:
    """Puts a calendar of these entries in place, in a lake of this release."""
    mark_lake(Path(lake))
    put_text(Lake(str(lake), SPEC), TABLE, "calendar", calendar_text(*entries), "ann", datetime.now(UTC))
