"""Module, name and parameters of everything private in ministack that is used; None for what is not a function."""

from __future__ import annotations

PRIVATE_NAMES: dict[str, dict[str, tuple[str, ...] | None]] = {
    "ministack.app": {
        "app": ("scope", "receive", "send"),
        "SERVICE_HANDLERS": None,
    },
    "ministack.core.router": {
        "SERVICE_PATTERNS": None,
    },
}
