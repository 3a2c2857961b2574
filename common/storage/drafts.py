"""Files that are written beside their place and take it when they are whole."""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".tmp"


@contextmanager
def draft(target: Path, replace: bool = True, beside: Path | None = None) -> Iterator[Path]:
    """A new, hidden file beside the target to write to; it takes the target's place at the end, and is gone otherwise.

    Without `replace`, a target that is there at the end stays.
    Its process holds it with flock, so the next one that writes the target knows and removes those of killed processes.
    With `beside`, it is beside that path, which drafts of several targets on one file system may share.

    Raises:
        OSError: the file cannot be made, or cannot take the place.
    """
    remove_dead_drafts(beside or target)
    path, lock = _new(beside or target)
    try:
        yield path
        if replace:
            path.replace(target)
        else:
            with suppress(FileExistsError):
                os.link(path, target)
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def _new(target: Path) -> tuple[Path, int]:
    """A new draft, and its lock."""
    while True:
        path = target.with_name(f".{target.name}.{secrets.token_hex(8)}{SUFFIX}")
        lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)  # whoever has it already took the draft for dead, and is removing it
        if path.exists():
            return path, lock
        os.close(lock)


def remove_dead_drafts(target: Path) -> None:
    """Removes the drafts beside a path whose processes were killed."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*{SUFFIX}"):
        with suppress(FileNotFoundError, PermissionError):
            lock = os.open(path, os.O_RDONLY)
            if _taken(lock):
                path.unlink(missing_ok=True)
            os.close(lock)


def _taken(lock: int) -> bool:
    """Whether this process got the lock; False also where the file system has no locks."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
