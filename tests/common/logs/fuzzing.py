"""Reads spoilt log files, and checks what must hold for any file: `fuzz(seed, count)`."""

from __future__ import annotations

import random
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pyarrow as pa

from common.errors import NdrError
from common.logs import FORMATS, Counts, ReadOptions, find_logs, mark_duplicates, read_files
from common.logs.blocks import BLOCK_BYTES
from tests.common.logs.mutations import LogFile, spoilt

SECONDS_PER_FILE = 300.0
LINE_FORMATS = frozenset({"panos", "sls", "ecs"})
"""Formats in which every line that is not blank is at least one record."""


class TooSlowError(BaseException):
    """A file took longer than the limit, which is generous: other programs may need the processors."""


@dataclass
class Summary:
    """What became of the files of a run.

    Attributes:
        files: how many there were.
        read: how many could be read, at least in part.
        refused: how many were refused with an error of this project, by its class.
        records: the records of all files, by outcome.
        holes: how many files had a hole.
        slowest: seconds of the slowest file.
        peak_bytes: the greatest memory of the process.
        failures: file number, what was done to the file, and what went wrong.
    """

    files: int = 0
    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    holes: int = 0
    slowest: float = 0.0
    peak_bytes: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass
class Reading:
    """What was read of a file."""

    format: str
    counts: Counts
    sessions: list[pa.RecordBatch]
    rejects: list[pa.RecordBatch]

    def rows(self) -> list[dict[str, object]]:
        """The sessions."""
        return [row for batch in self.sessions for row in batch.to_pylist()]


def fuzz(seed: int, count: int, first: int = 0) -> Summary:
    """Reads `count` files from number `first` of the seed on; nothing is wrong if there are no `failures`."""
    summary = Summary()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            chance = random.Random(f"{seed}-{number}")
            file = spoilt(chance)
            options = ReadOptions(chance.choice(FORMATS) if chance.random() < 0.1 else None)
            began = time.monotonic()
            try:
                with _time_limit():
                    _check(file, options, Path(folder, "log"), summary)
            except NdrError as error:
                summary.refused[type(error).__name__] += 1
            except (Exception, TooSlowError) as error:  # noqa: BLE001 - any of them is a finding
                place = traceback.extract_tb(error.__traceback__)[-1]
                what = f"{type(error).__name__}: {str(error)[:200]} ({place.filename}:{place.lineno})"
                summary.failures.append(f"{seed}-{number}: {file.story}: {what}")
            summary.slowest = max(summary.slowest, time.monotonic() - began)
            summary.files += 1
    summary.peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return summary


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"longer than {SECONDS_PER_FILE:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_PER_FILE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _check(file: LogFile, options: ReadOptions, path: Path, summary: Summary) -> None:
    path.write_bytes(file.data)
    found = _read(path, options, threads=1)
    summary.read += 1
    summary.holes += bool(found.counts.holes)
    summary.records.update(found.counts.of_records() | found.counts.of_holes())
    _check_order(found)
    again = _read(path, options, threads=2) if len(file.data) > BLOCK_BYTES else found
    assert again.rows() == found.rows() and again.counts == found.counts, "threads change the result"
    if file.lines is not None and found.format in LINE_FORMATS:
        assert found.counts.read >= file.lines, f"{file.lines} lines but {found.counts.read} records"
    if file.whole is not None and not found.counts.holes:
        path.write_bytes(file.whole)
        try:
            whole = _read(path, options, threads=1)
        except NdrError:
            return
        lost = whole.counts.kept - found.counts.kept
        assert lost <= 0 or found.counts.rejected or found.format == "parquet", f"{lost} sessions are lost in silence"


def _read(path: Path, options: ReadOptions, threads: int) -> Reading:
    logs = find_logs([str(path)], options)
    found = Reading(logs.formats[0], Counts(holes=list(logs.unreadable)), [], [])

    def sessions() -> Iterator[pa.RecordBatch]:
        for batch in read_files(logs.paths, options, threads):
            batch.sessions.validate(full=True)
            batch.rejects.validate(full=True)
            found.rejects.append(batch.rejects)
            found.counts.add(batch)
            yield batch.sessions

    for batch in mark_duplicates(sessions()):
        found.sessions.append(batch)
        for status in batch.column("status").to_pylist():
            setattr(found.counts, status, getattr(found.counts, status) + 1)
    assert found.counts.add_up(), f"the counts do not add up: {found.counts}"
    return found


def _check_order(found: Reading) -> None:
    for batches in (found.sessions, found.rejects):
        lines = [line for batch in batches for line in batch.column("source_line").to_pylist()]
        assert lines == sorted(lines), "the order is not that of the file"
