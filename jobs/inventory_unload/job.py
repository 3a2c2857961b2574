"""Unloads the inventory and publishes its snapshot."""

from __future__ import annotations

from common.errors import StageError
from common.stage import StageRun
from jobs.inventory_unload.config import InventoryConfig


def run(config: InventoryConfig, stage: StageRun) -> None:
    """Replaces the month of `machine_inventory`."""
    raise StageError(
        f"the inventory of {config.month} cannot be unloaded to {stage.lake.uri} yet", "Use a later version"
    )
