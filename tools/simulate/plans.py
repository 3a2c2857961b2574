"""Plans: who opens which kind of session to whom and when; sizes and durations are drawn later, all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from common.arrays import Floats
from common.windows import WINDOW_SECONDS, WINDOWS_PER_DAY
from tools.simulate.profiles import CODE

Records = npt.NDArray[np.void]
Addresses = npt.NDArray[np.uint32]

PLAN = np.dtype(
    [
        ("time", "f8"),  # start, in seconds after midnight UTC
        ("src", "u4"),
        ("dst", "u4"),
        ("profile", "i2"),
        ("port", "u2"),  # 0 = the profile's
        ("up", "f4"),  # factor on the bytes sent
        ("down", "f4"),  # factor on the bytes received
        ("fate", "i1"),  # DRAWN, or one of the fates of sessions.py
        ("attack", "i1"),  # 0 = benign, else 1 + position in the attacks' names
    ]
)
DRAWN = -1
HOUR, DAY_SECONDS, SLOT_SECONDS, SLOTS = 3600.0, 86_400, WINDOW_SECONDS, WINDOWS_PER_DAY


def plan(
    time: npt.ArrayLike,
    src: npt.ArrayLike,
    dst: npt.ArrayLike,
    profile: str | npt.NDArray[Any],
    *,
    port: npt.ArrayLike = 0,
    up: npt.ArrayLike = 1.0,
    down: npt.ArrayLike = 1.0,
    fate: npt.ArrayLike = DRAWN,
    attack: int = 0,
) -> Records:
    """Planned sessions, one per time; other arguments are a single value or one per time."""
    times = np.atleast_1d(np.asarray(time, dtype=np.float64))
    rows = np.empty(len(times), dtype=PLAN)
    rows["time"], rows["src"], rows["dst"] = times, src, dst
    rows["profile"] = CODE[profile] if isinstance(profile, str) else profile
    rows["port"], rows["up"], rows["down"], rows["fate"], rows["attack"] = port, up, down, fate, attack
    return rows


def codes(names: list[str]) -> npt.NDArray[np.int16]:
    """The profile codes of the names."""
    return np.array([CODE[name] for name in names], dtype=np.int16)


def ticks(first: float, last: float, period: float, jitter: float, rng: np.random.Generator) -> Floats:
    """Ticks of a timer from `first` to `last` (s), with random phase, each shifted by up to `jitter` periods."""
    count = max(0, int((last - first) / period))
    moments = first + period * (rng.random() + np.arange(count)) + period * jitter * rng.uniform(-1, 1, count)
    return np.asarray(moments[(moments >= first) & (moments < last)])


def spread_over(weights: Floats, count: int, rng: np.random.Generator) -> Floats:
    """`count` times of day (s) drawn by the weights of the 96 quarter-hours."""
    if count == 0 or weights.sum() <= 0:
        return np.empty(0)
    slots = rng.choice(SLOTS, size=count, p=weights / weights.sum())
    return np.asarray((slots + rng.random(count)) * SLOT_SECONDS)


def at_work(arrive_h: float, leave_h: float, evening: float) -> Floats:
    """Weights of the 96 quarter-hours for a person at work from `arrive_h` to `leave_h`, with a quiet lunch hour."""
    hours = (np.arange(SLOTS) + 0.5) / 4
    weights = np.clip(np.minimum(hours - arrive_h + 0.4, leave_h + 0.4 - hours), 0, 1)
    weights = weights * np.where(np.abs(hours - 12.4) < 0.6, 0.45, 1.0)
    weights = weights * (1 + 0.25 * np.sin((hours - 8) / 9 * 2 * np.pi) ** 2)
    return weights + np.where((hours > 19) & (hours < 23), evening, 0.0)
