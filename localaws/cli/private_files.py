"""Files and folders that only the user can read: a home folder holds a credential, logs and data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

# what a home folder of an earlier release may hold, readable by everybody
_MADE = ("lock", "logs", "outputs.json", "redshift", "s3", "scratch", "server.json", "server.log")


def make_private(home: Path) -> None:
    """Makes the home folder, or takes the rights of others from it and from what earlier releases put there."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.chmod(0o700)
    for path in [*(home / name for name in _MADE), *home.glob("state.sqlite3*")]:
        if path.exists() and not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)


def private_append(path: Path) -> BinaryIO:
    """The file, opened for appending."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def write_private(path: Path, text: str) -> None:
    """Writes a file, replacing what it held."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
