"""Configuration of the traffic simulator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from common.errors import ParameterError

PANOS_VERSIONS = ("10.1", "11.1")
MIN_HOSTS, MAX_HOSTS = 10, 5000
MAX_DAYS = 366
MAX_INTENSITY = 20.0
_ORG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class SimulateConfig:
    """The network to simulate, and the output folder.

    Attributes:
        out: folder to create.
        start: first day; days run from 00:08 to 00:08 UTC.
        days: number of days.
        hosts: number of people's machines, printers, cameras and sensors; servers are added.
        seed: random seed.
        org1: first level of the organisation's folder.
        org2: second level of the organisation's folder.
        panos_version: PAN-OS release of the log format.
        intensity: factor on people's activity; 1 gives about 2,000 sessions per host and working day.
        attack_days: number of days with attacks, at the end; 0 = none.
        overwrite: replaces an earlier scenario in the folder.
        workers: number of processes, each for whole days; the output does not depend on it.
    """

    out: Path
    start: date = date(2026, 3, 3)
    days: int = 8
    hosts: int = 60
    seed: int = 1
    org1: str = "acme"
    org2: str = "hq"
    panos_version: str = "10.1"
    intensity: float = 1.0
    attack_days: int = 1
    overwrite: bool = False
    workers: int = 1

    def __post_init__(self) -> None:
        _within("days", self.days, 1, MAX_DAYS)
        _within("hosts", self.hosts, MIN_HOSTS, MAX_HOSTS)
        _within("seed", self.seed, 0, 2**32 - 1)
        _within("intensity", self.intensity, 0.01, MAX_INTENSITY)
        _within("attack_days", self.attack_days, 0, self.days)
        _within("workers", self.workers, 1, 256)
        for name in ("org1", "org2"):
            value = getattr(self, name)
            if not _ORG.fullmatch(value):
                raise ParameterError(f"{name} = {value!r} is not a folder name", "Use letters, digits, '-' and '_'")
        if self.panos_version not in PANOS_VERSIONS:
            raise ParameterError(
                f"panos_version = {self.panos_version!r} is not supported", f"Use one of {', '.join(PANOS_VERSIONS)}"
            )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ParameterError(f"{name} = {value} is out of range", f"Use {low} to {high}")
