"""The description that ndr-simulate writes next to its logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """A folder of simulated logs, and the content of its `scenario.json`."""

    folder: Path
    description: dict[str, Any]


def find_scenario(inputs: Sequence[str]) -> Scenario | None:
    """The scenario of the first input folder with a `scenario.json`; None for other logs."""
    for folder in map(Path, inputs):
        if (summary := folder / "scenario.json").is_file():
            return Scenario(folder, json.loads(summary.read_text(encoding="utf-8")))
    return None
