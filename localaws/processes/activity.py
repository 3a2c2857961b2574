"""Detection of idle process groups: they have used no processor time for a while and are not runnable."""

from __future__ import annotations

import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WATCHED_SECONDS = 3.0
BUSY_SHARE = 0.02
_TICKS_PER_SECOND = 100
_CLOCK = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class Use:
    """The processor seconds a process group has used, and whether it is runnable."""

    seconds: float
    runnable: bool


def _processes() -> Iterator[tuple[int, Use]]:
    """The group and use of every process."""
    if not Path("/proc/self/stat").exists():
        yield from _listed()
        return
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks = int(fields[11]) + int(fields[12])
        yield int(fields[2]), Use(ticks / _TICKS_PER_SECOND, fields[0] in "RD")


def _listed() -> Iterator[tuple[int, Use]]:
    command = ["ps", "-A", "-o", "pgid=,state=,time="]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        group, state, used = line.split()
        found = _CLOCK.match(used)
        if found:
            days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
            yield int(group), Use(((days * 24 + hours) * 60 + minutes) * 60 + seconds, state[0] in "RDU")


class Activity:
    """Tracks the processor time of process groups between calls."""

    def __init__(self) -> None:
        self._first: dict[int, tuple[float, float]] = {}

    def idle(self, groups: Iterable[int]) -> int:
        """The number of groups that have been idle for `WATCHED_SECONDS`."""
        wanted = set(groups)
        uses: dict[int, Use] = defaultdict(lambda: Use(0.0, False))
        for group, use in _processes():
            if group in wanted:
                sofar = uses[group]
                uses[group] = Use(sofar.seconds + use.seconds, sofar.runnable or use.runnable)
        now = time.monotonic()
        self._first = {group: first for group, first in self._first.items() if group in wanted}
        return sum(self._is_idle(group, uses[group], now) for group in wanted)

    def _is_idle(self, group: int, use: Use, now: float) -> bool:
        since, seconds = self._first.setdefault(group, (now, use.seconds))
        if use.runnable or use.seconds - seconds > BUSY_SHARE * max(now - since, 1.0):
            self._first[group] = (now, use.seconds)
            return False
        return now - since >= WATCHED_SECONDS
