"""Identifiers that sort by the time at which they were made."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_id(after: str = "") -> str:
    """An identifier that no other call gives, like `20260310T130812.345678Z-9f86d081`; later ones sort later.

    It sorts behind `after`, even if that was made by a clock that is ahead.
    """
    made = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
    return made if made > after else f"{after}-{secrets.token_hex(4)}"
