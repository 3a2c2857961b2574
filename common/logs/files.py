"""Finds and opens log files: local paths and S3, folders and globs."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from pyarrow import fs

from common.errors import InputError, StorageError, first_line
from common.storage.files import read_lines
from common.storage.filesystems import bucket_and_key, s3_filesystem, without_scheme
from common.windows import Windows

_GLOB_CHARACTERS = frozenset("*?[")
_NEXT_INPUT = re.compile(r",(?=s3://|file://|/|@)")
_WINDOW = re.compile(r"(\d{8}T\d{4}Z)\t")


_SPECIAL = {
    stat.S_IFIFO: "is a named pipe, which cannot be read twice",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFCHR: "is a device",
    stat.S_IFBLK: "is a device",
}
_NO_LOG = re.compile(
    r"[_.].*"  # markers of jobs, hidden files
    r"|.*\.(crc|md5|sha1|sha256|sha512|asc|sig)|(md5|sha1|sha256|sha512)sums(\.txt)?"
    r"|labels\.csv|scenario\.json|readme(\.md|\.txt)?",  # beside the logs of ndr-simulate
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class FoundFile:
    """A file of the input.

    Attributes:
        path: its path or s3:// URI.
        named: whether the user named the file itself rather than a folder or glob.
        problem: why it cannot be read, as `is a named pipe`; "" if nothing speaks against it.
    """

    path: str
    named: bool
    problem: str = ""


def find_files(inputs: Sequence[str]) -> list[str]:
    """Paths or s3:// URIs of all files that the inputs name and that can be read, sorted, each once.

    An input is a path, a file:// or s3:// URI, a glob or a folder, which is searched recursively, through symbolic
    links too. Names that begin with `_` or `.` are left out of folders. One text may hold several inputs separated by
    commas, if those after the first are absolute paths or URIs. `@` followed by a path or URI names a text file with
    one input per line, or `WINDOW<TAB>INPUT`.

    Raises:
        InputError: an input does not exist or holds no file.
    """
    return [file.path for file in find_all(inputs) if not file.problem]


def find_all(inputs: Sequence[str]) -> list[FoundFile]:
    """As `find_files`, with the files that cannot be read."""
    if not inputs:
        raise InputError("no input was given", "Name at least one log file, folder or glob")
    found: dict[str, FoundFile] = {}
    for entry, _ in each_input(inputs):
        files = _on_s3(entry) if entry.startswith("s3://") else _local(local_path(entry))
        if not files:
            raise InputError(f"input {entry!r} contains no files", "Check the path, or the pattern")
        for file in files:
            identity = file.path if file.path.startswith("s3://") else os.path.realpath(file.path)
            known = found.setdefault(identity, file)
            found[identity] = FoundFile(known.path, known.named or file.named, known.problem)
    return sorted(found.values(), key=lambda file: file.path)


def each_input(inputs: Sequence[str]) -> Iterator[tuple[str, Windows | None]]:
    """The single inputs, each with its window if a line of a file that `@` names gives one."""
    for text in inputs:
        for entry in _NEXT_INPUT.split(text):
            if not entry.startswith("@"):
                yield entry, None
                continue
            for line in read_lines(entry[1:]):
                window = _WINDOW.match(line)
                yield (line[window.end() :], Windows.parse(window[1])) if window else (line, None)


def local_path(entry: str) -> str:
    """The path of a file:// URI; any other text as it is."""
    return unquote(urlsplit(entry).path) if entry.startswith("file://") else entry


def is_no_log(path: str) -> bool:
    """Whether a file found in a folder is no log by its name: markers, checksums, what ndr-simulate writes beside."""
    return _NO_LOG.fullmatch(path.rpartition("/")[2]) is not None


def _local(path: str) -> list[FoundFile]:
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"input {path!r} cannot be looked up: {reason}", "Check the path") from None
    if mode is not None:
        return list(_walk(path)) if stat.S_ISDIR(mode) else [FoundFile(path, True, _problem(path))]
    if Path(path).is_symlink():
        return [FoundFile(path, True, _problem(path))]
    if not _GLOB_CHARACTERS & set(path):
        raise InputError(f"input {path!r} does not exist", "Check the path")
    return list(_globbed(path))


def _globbed(pattern: str) -> Iterator[FoundFile]:
    """The files that match the pattern, and those in the folders that match.

    `glob` goes round and round in loops of symbolic links below `**`; `_walk` does not.
    """
    parts = pattern.split("/")
    deep = parts.index("**") if "**" in parts else len(parts)
    start = "/".join(parts[:deep]) or ("/" if pattern.startswith("/") else ".")
    below = [part for part in parts[deep:] if part]
    root = len(fixed_part(pattern))
    for match in sorted(glob.glob(start)):  # noqa: PTH207 - the pattern may be absolute
        if not all(map(_visible, Path(match[root:]).parts)):
            continue
        if Path(match).is_dir():
            yield from (file for file in _walk(match) if _fits(Path(file.path).relative_to(match).parts, below))
        elif not below:
            yield FoundFile(match, False, _problem(match))


def _fits(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the path, or a folder on it, matches the pattern, which is empty or begins with `**`."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_fits(names[begin:], pattern[1:]) for begin in range(len(names)))
    return bool(names) and fnmatch.fnmatchcase(names[0], pattern[0]) and _fits(names[1:], pattern[1:])


def _visible(name: str) -> bool:
    return not name.startswith(("_", "."))


def _walk(folder: str) -> Iterator[FoundFile]:
    """The files below a folder, those behind symbolic links too; each folder once, so that loops end."""
    refused: list[OSError] = []
    seen = {os.path.realpath(folder)}
    for root, folders, names in os.walk(folder, onerror=refused.append, followlinks=True):
        inside = {name: os.path.realpath(Path(root, name)) for name in _real_first(root, folders)}
        folders[:] = [name for name, real in inside.items() if real not in seen]
        seen |= set(inside.values())
        for name in sorted(filter(_visible, names)):
            path = str(Path(root, name))
            yield FoundFile(path, False, _problem(path))
    for error in refused:
        yield FoundFile(str(error.filename), False, f"cannot be listed: {error.strerror}")


def _real_first(root: str, folders: Iterable[str]) -> list[str]:
    """The visible folders, links last: a path without links is the better name of a file."""
    return sorted(filter(_visible, folders), key=lambda name: (Path(root, name).is_symlink(), name))


def _problem(path: str) -> str:
    """Why the file cannot be read, without opening it: a named pipe would wait for its writer."""
    try:
        path.encode()
        kind = stat.S_IFMT(Path(path).stat().st_mode)
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    except OSError as error:
        return "is a broken symbolic link" if Path(path).is_symlink() else f"cannot be read: {error.strerror}"
    return "" if kind == stat.S_IFREG else _SPECIAL.get(kind, "is no regular file")


def _on_s3(uri: str) -> list[FoundFile]:
    bucket, key = bucket_and_key(uri)
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


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """The bytes of the file as a stream, not unpacked.

    Raises:
        InputError: the file does not exist, or may not be read.
        StorageError: it cannot be opened, or reading fails later.
    """
    try:
        with _opened(path) as stream:
            yield stream
    except (FileNotFoundError, PermissionError) as error:
        reason = error.strerror or error
        raise InputError(f"{path} cannot be read: {reason}", "Check the path and the permissions") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {first_line(error)}", "Check the disk or the connection") from None


def _opened(path: str) -> BinaryIO:
    if path.startswith("s3://"):
        return cast(BinaryIO, s3_filesystem().open_input_file(without_scheme(path)))
    return Path(local_path(path)).open("rb", buffering=0)


def file_size(path: str) -> int:
    """The size of the file in bytes.

    Raises:
        InputError: the file does not exist, or may not be read.
        StorageError: it cannot be opened.
    """
    with open_file(path) as stream:
        return stream.seek(0, os.SEEK_END)
