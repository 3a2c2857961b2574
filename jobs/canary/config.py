"""Configuration of the canary."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.lake_project import LakeProject
from common.windows import Windows


@dataclass(frozen=True)
class CanaryConfig:
    """The window to prove the detector on, by default the last one that is scored, and what passes.

    Each attack must be among the `top` hosts of the window. `as_json` prints the run report in place of a table.
    """

    lake_uri: str
    lake_project: LakeProject
    mini_batch_id: str | None
    windows: Windows | None
    top: int
    as_json: bool
