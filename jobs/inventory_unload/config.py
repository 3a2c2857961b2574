"""What the inventory stage is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.stage import StageConfig
from common.windows import Windows, floor_to_grid


@dataclass(frozen=True)
class InventoryConfig(StageConfig):
    """A run of the inventory stage: `windows` are those of the month."""

    month: str

    @classmethod
    def from_options(cls, month: str, **options: Any) -> InventoryConfig:
        """The configuration for a month `YYYY-MM`."""
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return cls(windows=Windows(floor_to_grid(first), floor_to_grid(following)), month=month, **options)
