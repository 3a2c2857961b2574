"""Times as other systems want them."""

from __future__ import annotations

from datetime import UTC, datetime


def to_the_second(moment: datetime) -> str:
    """RFC 3339 in UTC, with seconds: 2026-03-10T13:08:00Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
