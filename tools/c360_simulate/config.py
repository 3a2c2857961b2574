"""Configuration of the simulator of Customer 360's sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from common.errors import ParameterError

SHAPES = ("full", "sample")
MIN_CUSTOMERS, MAX_CUSTOMERS = 100, 100_000
MAX_DAYS = 366
MAX_EVENTS = 1000.0


@dataclass(frozen=True)
class SimulateConfig:
    """What to simulate, and the output folder.

    Attributes:
        out: folder to create.
        start: first business date.
        days: number of business dates.
        customers: number of customers on the first of them.
        seed: random seed.
        shape: `full` has the dirt of real sources; `sample` is one delivery of clean files, and its customers and plans
            once more on the day after.
        events: mean number of events of a customer and day.
        overwrite: replaces an earlier scenario in the folder.
    """

    out: Path
    start: date = date(2026, 3, 1)
    days: int = 5
    customers: int = 200
    seed: int = 1
    shape: str = "full"
    events: float = 4.0
    overwrite: bool = False

    def __post_init__(self) -> None:
        _within("days", self.days, 1, MAX_DAYS)
        _within("customers", self.customers, MIN_CUSTOMERS, MAX_CUSTOMERS)
        _within("seed", self.seed, 0, 2**32 - 1)
        _within("events", self.events, 0.001, MAX_EVENTS)
        if self.shape not in SHAPES:
            raise ParameterError(f"shape = {self.shape!r} is not supported", f"Use one of {', '.join(SHAPES)}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ParameterError(f"{name} = {value} is out of range", f"Use {low} to {high}")
