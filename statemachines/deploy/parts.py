"""The parts of an environment, and the stacks of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from statemachines.definitions import FOLDER, MACHINES

Part = Literal["ndr", "ingestion", "customer-360", "observability"]
PARTS: tuple[Part, ...] = get_args(Part)
"""Parts of an environment, each of which may be left out; all stand on the foundation."""
FOUNDATION, CONTROL_PLANE = "ndr-foundation", "ndr-control-plane"
STACKS: tuple[tuple[Part | None, str, str], ...] = (
    (None, "foundation", FOUNDATION),
    ("ndr", "ndr-roles", "ndr-roles"),
    ("ndr", "ndr-jobs", "ndr-jobs"),
    ("ndr", "ndr-tasks", "ndr-tasks"),
    ("ndr", "ndr", CONTROL_PLANE),
    ("ingestion", "ingestion-roles", "ndr-ingestion-roles"),
    ("ingestion", "ingestion", "ndr-ingestion"),
    ("customer-360", "customer-360-roles", "ndr-customer-360-roles"),
    ("customer-360", "customer-360", "ndr-customer-360"),
    ("observability", "observability", "ndr-observability"),
)
"""Part, template and name of each stack, in the order in which they are made."""
TEMPLATES = {template: FOLDER / "stacks" / f"{template}.yaml" for _, template, _ in STACKS}
OF_MACHINES: dict[str, Part] = {"sfn_ndjson_ingestion": "ingestion", "sfn_customer_360": "customer-360"}
"""Parts of state machines; the others are NDR's."""


@dataclass(frozen=True)
class Stack:
    """A stack of an environment: its name, its template, and its part, which the foundation has not."""

    name: str
    template: Path
    part: Part | None


def stacks_of(prefix: str, parts: Collection[str] = PARTS) -> list[Stack]:
    """The foundation and the stacks of the parts, whose names begin with the prefix, in the order of their making."""
    return [
        Stack(f"{prefix}{name}", TEMPLATES[template], part)
        for part, template, name in STACKS
        if part is None or part in parts
    ]


def machines_of(parts: Collection[str]) -> list[str]:
    """The state machines of the parts."""
    return [machine for machine in MACHINES if OF_MACHINES.get(machine, "ndr") in parts]
