"""Private local folders of processes: each removes its own, and the next run those of processes that were killed.

A place is a folder of mode 0700 with a random name. Its process holds the file `lock` in it with flock, so whether it
lives is known exactly, without a clock, to all processes and containers on one kernel.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LOCK = "lock"
PREFIX = "ndr-run-"
OUTDATED_SECONDS = 24 * 60 * 60
_held: dict[Path, int] = {}
_being_removed: set[Path] = set()


@dataclass(frozen=True)
class DeadPlace:
    """A place whose process is gone: its folder, its purpose, and when it was made (seconds since 1970)."""

    folder: Path
    purpose: str
    made: float

    def remove(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def make_place(base: Path, purpose: str = "") -> Path:
    """A new place below the folder, with one line of text that tells other processes what it is for."""
    base.mkdir(parents=True, exist_ok=True)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        if _taken(lock) is not False and (folder / LOCK).exists():
            os.write(lock, purpose.encode())
            _held[folder] = lock
            return folder
        os.close(lock)  # a process that looks for dead places was faster, and removes it


def remove_place(folder: Path) -> None:
    """Removes a place of this process."""
    shutil.rmtree(folder, ignore_errors=True)
    lock = _held.pop(folder, None)
    if lock is not None:
        os.close(lock)


def remove_places() -> None:
    """Removes all places of this process."""
    for folder in list(_held):
        remove_place(folder)


atexit.register(remove_places)


@contextmanager
def place(base: Path, purpose: str = "") -> Iterator[Path]:
    """A place below the folder, removed on exit."""
    folder = make_place(base, purpose)
    try:
        yield folder
    finally:
        remove_place(folder)


def living_purposes(base: Path) -> set[str]:
    """The purposes of the places below the folder whose processes live."""
    found = set()
    for folder, lock in _locks(base):
        if folder not in _being_removed and _taken(lock) is not True:
            found.add(_purpose(lock))
        os.close(lock)
    return found


@contextmanager
def dead_places(base: Path) -> Iterator[list[DeadPlace]]:
    """The places below the folder whose processes are gone; other processes leave them alone until the exit."""
    locks = []
    found = []
    for folder, lock in _locks(base):
        locks.append(lock)
        made = os.fstat(lock).st_mtime
        taken = _taken(lock)
        if taken or (taken is None and time.time() - made > OUTDATED_SECONDS):
            found.append(DeadPlace(folder, _purpose(lock), made))
    folders = {one.folder for one in found}
    _being_removed.update(folders)
    try:
        yield found
    finally:
        _being_removed.difference_update(folders)
        for lock in locks:
            os.close(lock)


def remove_dead_places(base: Path) -> None:
    """Removes the places below the folder whose processes are gone."""
    with dead_places(base) as found:
        for one in found:
            one.remove()


def _locks(base: Path) -> Iterator[tuple[Path, int]]:
    """The places below the folder that this user may open, each with its lock, opened."""
    with suppress(FileNotFoundError):
        for folder in base.glob(f"{PREFIX}*"):
            with suppress(OSError):
                yield folder, os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW)


def _taken(lock: int) -> bool | None:
    """Whether this process got the lock; None where the file system has no locks."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _purpose(lock: int) -> str:
    return os.pread(lock, 4096, 0).decode("utf-8", "replace")
