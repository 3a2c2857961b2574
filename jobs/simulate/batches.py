"""Batch files: the log lines of each window in the order in which the firewall wrote them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from jobs.simulate.lines import Integers, start_lines, traffic_lines
from jobs.simulate.places import Firewall
from jobs.simulate.plans import SLOTS, Records
from jobs.simulate.sessions import DENIED, WINDOW_SECONDS, window_of
from jobs.simulate.threats import pick_threats, threat_lines

START_SHARE, DUPLICATE_SHARE = 0.01, 0.001
COMPRESSION = 4
SEQUENCES_PER_DAY = 1_000_000_000
SESSION_NUMBERS = 4_194_303


@dataclass(frozen=True)
class DayLines:
    """All lines of one day, ordered by window and time of the log, and how many there are of each sort."""

    lines: pa.Array
    window: Integers  # of each line
    sessions: int
    start_logs: int
    threat_logs: int
    duplicates: int


def day_lines(sessions: Records, number: int, firewall: Firewall, rng: np.random.Generator) -> DayLines:
    """The log lines of one day's sessions.

    `start` and THREAT lines repeat a session that has its `end` line in the same window; duplicates repeat a line.
    """
    first = number * SEQUENCES_PER_DAY
    count = len(sessions)
    window = window_of(sessions["end"])
    ids = first + np.arange(count) * 3
    ids = ids % SESSION_NUMBERS + 1
    lag = np.minimum(np.rint(rng.lognormal(2.6, 0.7, count)), 120).astype(np.int64)
    lag[sessions["fate"] == DENIED] = 0
    begun = sessions["end"] - sessions["elapsed"]

    same_window = (begun >= window) & (sessions["fate"] != DENIED)
    starts = np.flatnonzero(same_window & (rng.random(count) < START_SHARE))
    threats, kind = pick_threats(sessions, rng)
    seen = np.minimum(np.maximum(begun[threats] + 1, window[threats]), sessions["end"][threats])

    sequence = first + np.arange(count + len(starts) + len(threats))
    cut = (count, count + len(starts))
    parts = [
        traffic_lines(sessions, ids, sequence[: cut[0]], lag, firewall),
        start_lines(sessions[starts], ids[starts], sequence[cut[0] : cut[1]], firewall),
        threat_lines(sessions[threats], kind, ids[threats], sequence[cut[1] :], seen, firewall),
    ]
    windows = np.concatenate([window, window[starts], window[threats]])
    logged = np.concatenate([sessions["end"] + lag, begun[starts], seen])
    order = np.lexsort((sequence, logged, windows))
    twice = np.flatnonzero(rng.random(len(order)) < DUPLICATE_SHARE)
    order = np.insert(order, twice, order[twice])
    lines = pa.concat_arrays(parts).take(pa.array(order))
    return DayLines(lines, windows[order], count, len(starts), len(threats), len(twice))


def window_texts(day: DayLines, first_window: int) -> Iterator[tuple[int, int, bytes]]:
    """Start, number of lines and text of each of the day's 96 windows, also of those without lines."""
    _, offsets, data = day.lines.buffers()
    offset = np.frombuffer(offsets, dtype=np.int64)
    starts = first_window + WINDOW_SECONDS * np.arange(SLOTS)
    cuts = np.searchsorted(day.window, np.append(starts, starts[-1] + WINDOW_SECONDS))
    for start, low, high in zip(starts, cuts[:-1], cuts[1:], strict=True):
        yield int(start), int(high - low), data[offset[low] : offset[high]].to_pybytes()


def batch_path(org1: str, org2: str, window: int) -> str:
    """Folder of a window's batch below the output folder; its id is a hash of organisation and window."""
    moment = datetime.fromtimestamp(window, UTC)
    batch = hashlib.sha256(f"{org1}/{org2}/{moment:%Y-%m-%dT%H:%M:%SZ}".encode()).hexdigest()[:16]
    return f"fw_paloalto/{org1}/{org2}/{moment:%Y/%m/%d}/{batch}"


def compress(content: bytes) -> bytes:
    """Gzip without a time stamp, so that the same text gives the same bytes."""
    return gzip.compress(content, compresslevel=COMPRESSION, mtime=0)
