"""Paths that every engine takes as they are: those with unusual characters have an alias.

Engines and the Delta library read a path partly as a URL and partly as a pattern, each in its own way. A symbolic link
with a plain name, in a private temporary folder, stands in for a path with any other character.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import gettempdir

from common.errors import StorageError
from common.storage.places import make_place

PLAIN = re.compile(r"[A-Za-z0-9/._=@+-]*")
TEMPORARY = ("/tmp", "/var/tmp")


def plain_path(path: str) -> str:
    """The local path itself if it is plain, else an alias that lasts as long as this process; s3:// URIs as they are.

    The alias ends with the suffix of the path's name, if that is plain.

    Raises:
        StorageError: there is no temporary folder for an alias.
    """
    return path if path.startswith("s3://") or PLAIN.fullmatch(path) else _alias(path)


@cache
def _alias(path: str) -> str:
    suffix = Path(path).suffix
    try:
        alias = make_place(temporary_base()) / f"alias{suffix if PLAIN.fullmatch(suffix) else ''}"
        alias.symlink_to(path)
    except OSError as error:
        unusual = next(character for character in path if not PLAIN.fullmatch(character))
        raise StorageError(
            f"{path} has the character {unusual!r}, which needs a temporary folder, but none can be made: {error}",
            "Set TMPDIR to a folder that is writable, or choose a path of letters, digits and . _ - only",
        ) from error
    return str(alias)


def temporary_base() -> Path:
    """The system's temporary folder; another one if its own path is not plain.

    Raises:
        StorageError: no temporary folder is writable.
    """
    try:
        own = gettempdir()
    except FileNotFoundError as error:
        raise StorageError(
            f"there is no temporary folder: {error.strerror}",
            "Set TMPDIR to a folder that is writable; in a read-only container, give --tmpfs /tmp",
        ) from error
    return Path(next(folder for folder in (own, *TEMPORARY) if PLAIN.fullmatch(folder)))
