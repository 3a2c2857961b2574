"""Finds and opens log files: local paths and S3, folders and globs."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from pyarrow import fs

from common.errors import InputError
from common.storage.files import read_lines
from common.storage.filesystems import s3_filesystem

_GLOB_CHARACTERS = frozenset("*?[")
_NEXT_INPUT = re.compile(r",(?=s3://|file://|/|@)")


@dataclass(frozen=True)
class FoundFile:
    """A file, and whether the user named the file itself rather than a folder or glob."""

    path: str
    named: bool


def find_files(inputs: Sequence[str]) -> list[str]:
    """Paths or s3:// URIs of all files that the inputs name, sorted, each once.

    An input is a path, a file:// or s3:// URI, a glob or a folder, which is searched recursively. Names that begin with
    `_` or `.` are left out of folders. One text may hold several inputs separated by commas, if those after the first
    are absolute paths or URIs. `@` followed by a path or URI names a text file with one input per line.

    Raises:
        InputError: an input does not exist or holds no file.
    """
    return [file.path for file in find_all(inputs)]


def find_all(inputs: Sequence[str]) -> list[FoundFile]:
    """As `find_files`; also says of each file whether it was named itself."""
    if not inputs:
        raise InputError("no input was given", "Name at least one log file, folder or glob")
    found: dict[str, FoundFile] = {}
    for entry in each_input(inputs):
        files = _on_s3(entry) if entry.startswith("s3://") else _local(local_path(entry))
        if not files:
            raise InputError(f"input {entry!r} contains no files", "Check the path, or the pattern")
        for file in files:
            identity = file.path if file.path.startswith("s3://") else os.path.realpath(file.path)
            known = found.setdefault(identity, file)
            found[identity] = FoundFile(known.path, known.named or file.named)
    return sorted(found.values(), key=lambda file: file.path)


def each_input(inputs: Sequence[str]) -> Iterator[str]:
    """The single inputs: texts split at their commas, and the lines of files that `@` names."""
    for text in inputs:
        for entry in _NEXT_INPUT.split(text):
            if not entry.startswith("@"):
                yield entry
                continue
            yield from read_lines(entry[1:])


def local_path(entry: str) -> str:
    """The path of a file:// URI; any other text as it is."""
    return unquote(urlsplit(entry).path) if entry.startswith("file://") else entry


def _local(path: str) -> list[FoundFile]:
    if Path(path).is_dir():
        return [FoundFile(found, False) for found in _walk(path)]
    if Path(path).exists():
        return [FoundFile(path, True)]
    if not _GLOB_CHARACTERS & set(path):
        raise InputError(f"input {path!r} does not exist", "Check the path")
    root = len(fixed_part(path))
    found: list[FoundFile] = []
    for match in glob.glob(path, recursive=True):  # noqa: PTH207 - the pattern may be absolute
        if not all(map(_visible, Path(match[root:]).parts)):
            continue
        inside = _walk(match) if Path(match).is_dir() else [match]
        found.extend(FoundFile(file, False) for file in inside)
    return found


def _visible(name: str) -> bool:
    return not name.startswith(("_", "."))


def _walk(folder: str) -> Iterator[str]:
    for root, folders, names in os.walk(folder):
        folders[:] = filter(_visible, folders)
        yield from (str(Path(root, name)) for name in filter(_visible, names))


def _on_s3(uri: str) -> list[FoundFile]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    s3 = s3_filesystem()
    pattern = bool(_GLOB_CHARACTERS & set(key))
    base = key.rstrip("/") if not pattern else fixed_part(key)
    try:
        if not pattern and base:
            info = s3.get_file_info(f"{bucket}/{base}")
            if info.type == fs.FileType.File:
                return [FoundFile(f"s3://{bucket}/{base}", True)]
        selector = fs.FileSelector(f"{bucket}/{base}".rstrip("/"), recursive=True)
        keys = [info.path for info in s3.get_file_info(selector) if info.type == fs.FileType.File]
    except OSError as error:
        raise InputError(f"input {uri!r} cannot be listed: {error}", "Check the bucket, key and credentials") from None
    root = len(f"{bucket}/{base}")
    visible = [found for found in keys if all(map(_visible, filter(None, found[root:].split("/"))))]
    if pattern:
        visible = [found for found in visible if fnmatch.fnmatchcase(found, f"{bucket}/{key}")]
    return [FoundFile(f"s3://{found}", False) for found in visible]


def fixed_part(key: str) -> str:
    """The folder of a glob: its parts before the first with a wildcard; a key without one as it is."""
    parts = key.split("/")
    wild = next(at for at, part in enumerate(parts) if _GLOB_CHARACTERS & set(part))
    return "/".join(parts[:wild])


def open_file(path: str) -> BinaryIO:
    """The bytes of the file as a stream, not unpacked.

    Raises:
        InputError: the file cannot be opened.
    """
    try:
        if path.startswith("s3://"):
            return cast(BinaryIO, s3_filesystem().open_input_file(path.removeprefix("s3://")))
        return Path(local_path(path)).open("rb", buffering=0)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} cannot be read: {reason}", "Check the path and the permissions") from None


def file_size(path: str) -> int:
    """The size of the file in bytes.

    Raises:
        InputError: the file does not exist.
    """
    with open_file(path) as stream:
        return stream.seek(0, os.SEEK_END)
