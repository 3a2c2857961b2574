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
    """The scenario of the first input folder with a `scenario.json` of ndr-simulate; None for other logs."""
    for folder in map(Path, inputs):
        if (summary := folder / "scenario.json").is_file():
            description = json.loads(summary.read_text(encoding="utf-8"))
            if _is_simulated(description):
                return Scenario(folder, description)
    return None


def _is_simulated(description: Any) -> bool:
    """Whether it has what ndr-simulate says, of which others' files of that name may have some."""
    return (
        isinstance(description, dict)
        and {"start", "days", "hosts", "batches"} <= description.keys()
        and all(isinstance(host, dict) and {"ip", "name"} <= host.keys() for host in description["hosts"])
    )
