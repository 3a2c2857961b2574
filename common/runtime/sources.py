"""A digest of the files that something is made of: it is made again only where that differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

LEFT_OUT = frozenset({"__pycache__", "node_modules"})
"""Names of folders that others fill while nothing changes."""


def sources_digest(root: Path, names: Iterable[str], made_by: str = "") -> str:
    """32 hexadecimal digits for files and folders below the root, and for what makes something of them.

    Folders count with all that is in them, names included, but not with the modes of files.

    Raises:
        FileNotFoundError: there is none of a name.
    """
    found = sha256(made_by.encode())
    for path in _files(root, names):
        content = path.read_bytes()
        found.update(f"\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:32]


def _files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in sorted(names):
        path = root / name
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (each for each in below if not each.is_dir() and not LEFT_OUT.intersection(each.parts))
