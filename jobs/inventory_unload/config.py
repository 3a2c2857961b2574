"""Configuration of the inventory stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.runtime.context import StageConfig
from common.windows import WINDOW, Windows, floor_to_grid


@dataclass(frozen=True)
class InventoryConfig(StageConfig):
    """A run of the inventory stage; `windows` are those that start in the month."""

    month: str

    @classmethod
    def from_options(cls, month: str, **options: Any) -> InventoryConfig:
        """The configuration for a month `YYYY-MM`."""
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        windows = Windows(floor_to_grid(first) + WINDOW, floor_to_grid(following) + WINDOW)
        return cls(windows=windows, month=month, **options)
