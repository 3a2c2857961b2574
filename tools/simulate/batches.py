"""Mini-batch files: the log lines of each window in the order the firewall wrote them."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.windows import WINDOW_SECONDS
from tools.simulate.lines import start_lines, traffic_lines
from tools.simulate.places import Firewall
from tools.simulate.plans import SLOTS, Records
from tools.simulate.sessions import DENIED, window_of
from tools.simulate.threats import pick_threats, threat_lines

START_SHARE, DUPLICATE_SHARE = 0.01, 0.001
COMPRESSION = 4
SEQUENCES_PER_DAY = 1_000_000_000
CHUNK_WINDOWS = 8
SESSION_NUMBERS = 4_194_303


@dataclass(frozen=True)
class Logged:
    """Log lines ordered by window and log time, and the number of each kind."""

    lines: pa.Array
    window: Integers  # of each line
    counts: Counter[str]


def day_windows(
    sessions: Records, number: int, first_window: int, firewall: Firewall, rng: np.random.Generator
) -> Iterator[tuple[int, bytes, Counter[str]]]:
    """Start, text and line counts of each of the day's windows, including those without lines.

    Processes a few windows at a time to keep memory low; counts cover the whole chunk and come with its last window.
    """
    starts = first_window + WINDOW_SECONDS * np.arange(SLOTS + 1)
    cuts = np.searchsorted(sessions["end"], starts)
    sequence = number * SEQUENCES_PER_DAY
    for low in range(0, SLOTS, CHUNK_WINDOWS):
        high = low + CHUNK_WINDOWS
        logged = log_lines(sessions[cuts[low] : cuts[high]], sequence, firewall, rng)
        sequence += len(logged.lines)
        _, offsets, data = logged.lines.buffers()
        offset = np.frombuffer(offsets, dtype=np.int64)
        edges = np.searchsorted(logged.window, starts[low : high + 1])
        for slot, (begin, end) in enumerate(pairwise(edges), start=low):
            counts = logged.counts if slot == high - 1 else Counter()
            yield int(starts[slot]), data[offset[begin] : offset[end]].to_pybytes(), counts


def log_lines(sessions: Records, first: int, firewall: Firewall, rng: np.random.Generator) -> Logged:
    """The log lines of sessions, numbered from `first`.

    `start` and THREAT lines belong to a session whose `end` line is in the same window; duplicates repeat a line.
    """
    count = len(sessions)
    window = window_of(sessions["end"])
    ids = (first + np.arange(count)) % SESSION_NUMBERS + 1
    lag = np.minimum(np.rint(rng.lognormal(2.6, 0.7, count)), 120).astype(np.int64)
    lag[sessions["fate"] == DENIED] = 0
    begun = sessions["end"] - sessions["elapsed"]

    same_window = (begun >= window) & (sessions["fate"] != DENIED)
    starts = np.flatnonzero(same_window & (rng.random(count) < START_SHARE))
    threats, kind = pick_threats(sessions, rng)
    seen = np.minimum(np.maximum(begun[threats] + 1, window[threats]), sessions["end"][threats])

    sequence = first + np.arange(count + len(starts) + len(threats))
    first_threat = count + len(starts)
    parts = [
        traffic_lines(sessions, ids, sequence[:count], lag, firewall),
        start_lines(sessions[starts], ids[starts], sequence[count:first_threat], firewall),
        threat_lines(sessions[threats], kind, ids[threats], sequence[first_threat:], seen, firewall),
    ]
    windows = np.concatenate([window, window[starts], window[threats]])
    logged = np.concatenate([sessions["end"] + lag, begun[starts], seen])
    order = np.lexsort((sequence, logged, windows))
    twice = np.flatnonzero(rng.random(len(order)) < DUPLICATE_SHARE)
    order = np.insert(order, twice, order[twice])
    counts = Counter(
        rows=len(order), sessions=count, start_logs=len(starts), threat_logs=len(threats), duplicates=len(twice)
    )
    return Logged(pa.concat_arrays(parts).take(pa.array(order)), windows[order], counts)


def batch_path(org1: str, org2: str, window: int) -> str:
    """The folder of a window's mini-batch below the output folder; its id is a hash of organisation and window."""
    moment = datetime.fromtimestamp(window, UTC)
    batch = hashlib.sha256(f"{org1}/{org2}/{moment:%Y-%m-%dT%H:%M:%SZ}".encode()).hexdigest()[:16]
    return f"fw_paloalto/{org1}/{org2}/{moment:%Y/%m/%d}/{batch}"


def compress(content: bytes) -> bytes:
    """Gzip without a timestamp: equal content gives equal bytes."""
    return gzip.compress(content, compresslevel=COMPRESSION, mtime=0)
