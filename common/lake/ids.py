"""Identifiers that sort by the time at which they were made."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_id() -> str:
    """An identifier that no other call gives, like `20260310T130812.345678Z-9f86d081`; later ones sort later."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
