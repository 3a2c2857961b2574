"""Configuration of ndr-cost, and the prices that it is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from common.config.loader import Settings

Price = Annotated[float, Field(ge=0)]


class Job(Settings):
    """What runs a command."""

    machine: str
    """Type of its machines."""
    machines: Annotated[int, Field(ge=1)] = 1
    """How many there are."""
    start_seconds: Price | None = None
    """Seconds that are paid before it begins."""


class Rates(Settings):
    """Prices, and what they are paid for; a price that is null is not known."""

    currency: str
    """Currency of all prices."""
    machines: dict[str, Price | None]
    """Price of an hour of a machine, by type."""
    jobs: dict[str, Job]
    """What runs each command, by its name."""
    gigabyte_read: Price | None = None
    """Price of 10^9 bytes of input."""


@dataclass(frozen=True)
class CostConfig:
    """A file of prices, a folder of logs, and the form of the rows."""

    rates: Path
    reports: Path
    form: str
