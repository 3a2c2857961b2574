"""Flows that the variants add to a composed scenario: made up, but in the columns of the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from common.arrays import Floats

DAY = 86_400
APPS = {("tcp", 443): "ssl", ("tcp", 80): "web-browsing", ("udp", 53): "dns", ("tcp", 22): "ssh"}


@dataclass(frozen=True)
class Scene:
    """What a variant knows of the scenario: its hosts by name, servers, the begin of the last day, how many days.

    `neighbours` are addresses that nobody has met, in networks that the hosts use much.
    """

    hosts: dict[str, str]
    servers: Sequence[str]
    neighbours: Sequence[str]
    last_day: float
    rng: np.random.Generator
    days: int

    def at(self, clock: str) -> float:
        """The time of the last day, as `HH:MM` after it begins."""
        hours, minutes = clock.split(":")
        return self.last_day + int(hours) * 3600 + int(minutes) * 60

    def known_addresses(self, count: int = 1) -> list[str]:
        """Different addresses in networks that the hosts use much."""
        drawn = self.rng.choice(len(self.neighbours), count, replace=False)
        return [self.neighbours[int(place)] for place in drawn]

    def strangers(self, count: int = 1) -> list[str]:
        """Public addresses of networks that nobody may ever have met."""
        parts = self.rng.integers([45, 1, 0, 1], [180, 255, 255, 255], (count, 4))
        return [".".join(map(str, row)) for row in parts]

    def ticks(self, begin: float, length: float, period: float, jitter: float = 0.1) -> Floats:
        """Moments that are a period apart, give or take the jitter, as a share of the period."""
        count = max(1, int(length / period))
        gaps = period * (1 + jitter * self.rng.uniform(-1, 1, count))
        return np.asarray(begin + np.cumsum(gaps))


def sessions(
    scene: Scene,
    attack: str,
    ends: Floats,
    src: ArrayLike,
    dst: ArrayLike,
    port: ArrayLike,
    *,
    protocol: str = "tcp",
    answered: ArrayLike = True,
    sent: ArrayLike = 900.0,
    received: float = 1_500.0,
    seconds: float = 1.0,
    spread: float = 0.3,
) -> pd.DataFrame:
    """One flow for each end; sizes are lognormal around `sent` and `received` with that spread, 0 for no reply."""
    count, rng = len(ends), scene.rng
    replied = np.broadcast_to(np.asarray(answered, dtype=bool), count)
    ports = np.broadcast_to(np.asarray(port, dtype=np.int64), count)
    out = np.where(replied, np.asarray(sent) * rng.lognormal(0, spread, count), 60 * rng.integers(1, 4, count)).astype(
        np.int64
    )
    back = np.where(replied, received * rng.lognormal(0, spread, count), 0).astype(np.int64)
    columns: dict[str, Any] = {
        "src": np.broadcast_to(np.asarray(src, dtype=object), count),
        "dst": np.broadcast_to(np.asarray(dst, dtype=object), count),
        "sport": rng.integers(32_768, 61_000, count),
        "dport": ports,
        "proto": protocol,
        "bytes_sent": np.maximum(out, 40),
        "bytes_recv": back,
        "pkts_sent": np.maximum(out // 900, 1),
        "pkts_recv": np.where(replied, np.maximum(back // 1_200, 1), 0),
        "reason": np.where(replied & (protocol == "tcp"), "tcp-fin", "aged-out"),
        "app": [_app(protocol, int(number), bool(reply)) for number, reply in zip(ports, replied, strict=True)],
        "duration": np.where(replied, seconds * rng.lognormal(0, spread, count), 0.0),
        "end": np.asarray(ends, dtype=np.float64),
        "attack": attack,
    }
    return pd.DataFrame(columns)


def _app(protocol: str, port: int, replied: bool) -> str:
    if protocol == "tcp" and not replied:
        return "incomplete"
    return APPS.get((protocol, port), f"unknown-{protocol}")
