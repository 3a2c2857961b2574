"""Everything that is added to ministack, put together."""

from __future__ import annotations

from typing import Any

from ministack import app as ministack_app

from statemachines.emulator.settings import Settings


class Plugin:
    """ministack's application with the additions and mends of this package."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.application: Any = ministack_app.app

    def close(self) -> None:
        """Stop what still runs and save what is not saved yet."""
