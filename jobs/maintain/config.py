"""Configuration of upkeep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common.runtime.lake_project import LakeProject


@dataclass(frozen=True)
class MaintainConfig:
    """A run: of some tables, by default of all; `keep` has days by table, which go before the settings."""

    lake_uri: str
    lake_project: LakeProject
    mini_batch_id: str | None
    tables: tuple[str, ...]
    keep: Mapping[str, int]
    dry_run: bool
