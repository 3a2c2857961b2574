"""The format of a log file, detected from its first lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from common.errors import FormatError, InputError, StorageError
from common.logs.blocks import contents
from common.logs.files import FoundFile, file_size, find_all, is_no_log, open_file
from common.logs.formats import panos, panos_columns, parquet
from common.logs.gunzip import Damage
from common.logs.holes import Hole
from common.logs.options import ReadOptions
from common.logs.registry import FORMATS, READERS, reader_of

HEAD_BYTES = 64 * 1024
_HEAD_LINES = 200

_UNPACK = "Unpack it: of packed files, only gzip is read"
_RECODE = "Write it as UTF-8"
LOOKS = (
    (b"BZh", "bzip2", _UNPACK),
    (b"\xfd7zXZ\0", "xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd", _UNPACK),
    (b"\x04\x22\x4d\x18", "lz4", _UNPACK),
    (b"PK\x03\x04", "zip", _UNPACK),
    (b"\xff\xfe", "UTF-16", _RECODE),
    (b"\xfe\xff", "UTF-16", _RECODE),
)
"""First bytes of files that are not read, what they are, and what to do."""


@dataclass(frozen=True)
class LogFiles:
    """The log files of an input, and what became of its other files.

    Attributes:
        paths: the log files, in order.
        formats: the format of each.
        skipped: files without records, with the reason: empty, or no log by their names.
        unreadable: files that may hold records, which nobody can read.
        sizes: the bytes of each log file, as stored, by its path.
    """

    paths: tuple[str, ...]
    formats: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    unreadable: tuple[Hole, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def stored_bytes(self) -> int:
        """The size of all log files together, as stored."""
        return sum(self.sizes[path] for path in self.paths)


def detect_format(head: bytes) -> str | None:
    """The format of a file whose unpacked contents begin like this; None if no format knows any of its lines."""
    found = (reader.NAME for line in _first_lines(head) for reader in READERS if reader.sniff(line))
    return next(found, None)


def _first_lines(head: bytes) -> Iterator[bytes]:
    """The first lines that are not blank; of a file that begins with comments, the comments alone."""
    lines = filter(None, (line.strip() for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n")))
    if head.startswith(b"#"):
        return (line for line in lines if line.startswith(b"#"))
    return islice(lines, _HEAD_LINES)


def read_head(path: str) -> bytes:
    """The first `HEAD_BYTES` of the file, unpacked, without what is damaged; empty for an empty file."""
    return _head(path)[0]


def _head(path: str) -> tuple[bytes, Damage | None, int]:
    """As `read_head`, the first damage up to there, and the size of the file as stored."""
    head, damage = b"", None
    with open_file(path) as stream:
        for piece in contents(stream, stream.read(HEAD_BYTES)):
            if isinstance(piece, Damage):
                damage = damage or piece
            else:
                head += piece
            if len(head) >= HEAD_BYTES:
                break
        return head[:HEAD_BYTES], damage, stream.seek(0, os.SEEK_END)


def format_of(path: str, head: bytes, options: ReadOptions) -> str:
    """The format that the options name, or else the one detected from the start of the unpacked contents.

    Raises:
        FormatError: no format fits.
    """
    found = options.format or detect_format(head[:HEAD_BYTES])
    if options.columns and found in (None, panos.NAME):
        return panos_columns.NAME  # nothing in the lines tells the order of their columns
    if found is None:
        looks, remedy = next(
            ((f": it looks like {kind}", remedy) for begin, kind, remedy in LOOKS if head.startswith(begin)),
            ("", f"Name the format with --log-format: {', '.join(FORMATS)}"),
        )
        raise FormatError(f"{path} is in no known log format{looks}", remedy)
    return found


def find_logs(inputs: Sequence[str], options: ReadOptions) -> LogFiles:
    """The log files that the inputs name.

    A file that was found in a folder or by a glob is skipped if it is empty or no log by its name, and unreadable if
    it cannot be opened, is damaged from its start, or is in no known format while none is named.

    Raises:
        InputError: an input does not exist, a named file is empty or cannot be read, or no log file is found at all.
        FormatError: a named file is in no known format, or the options name one that is unknown.
    """
    if options.format:
        reader_of(options.format)
    logs: dict[str, tuple[str, int]] = {}
    skipped: list[tuple[str, str]] = []
    unreadable: list[Hole] = []
    for file in find_all(inputs):
        if not file.named and is_no_log(file.path):
            skipped.append((file.path, "no log by its name"))
            continue
        try:
            found, size = _format_in(file, options)
        except (InputError, FormatError) as error:
            if file.named:
                raise
            unreadable.append(Hole(file.path, error.problem.removeprefix(f"{file.path} "), None, _stored_bytes(file)))
            continue
        if found:
            logs[file.path] = found, size
        elif file.named:
            raise InputError(f"{file.path} is empty", "Name a file with log records")
        else:
            skipped.append((file.path, "empty"))
    if not logs:
        others = [*((hole.path, hole.reason) for hole in unreadable), *((path, f"is {why}") for path, why in skipped)]
        path, reason = others[0]
        raise InputError(f"no log file in {', '.join(inputs)}: {path} {reason}", "Check the input")
    formats, sizes = zip(*logs.values(), strict=True)
    return LogFiles(tuple(logs), formats, tuple(skipped), tuple(unreadable), dict(zip(logs, sizes, strict=True)))


def _format_in(file: FoundFile, options: ReadOptions) -> tuple[str | None, int]:
    """The format of the file, None if it is empty, and its size as stored.

    Raises:
        InputError: it cannot be read.
        FormatError: its format is unknown.
    """
    if file.problem:
        raise InputError(f"{file.path} {file.problem}", "Give regular files that this user may read")
    head, damage, size = _head(file.path)
    if not head and damage:
        raise InputError(f"{file.path} has nothing that can be read: {damage.reason}", "Send the file again")
    if not head:
        if file.path.endswith((".gz", ".parquet")) and not size:
            raise InputError(f"{file.path} has no bytes at all", "Send the file again")
        return None, size
    try:
        found = format_of(file.path, head, options)
    except FormatError as error:
        if damage:
            raise InputError(f"{error.problem}, as far as it can be read: {damage.reason}", "Send it again") from None
        raise
    if found == parquet.NAME:
        parquet.check(file.path)
    return found, size


def _stored_bytes(file: FoundFile) -> int | None:
    """The size of a file of which nothing could be read; None if that is unknown."""
    try:
        return None if file.problem else file_size(file.path)
    except (InputError, StorageError):
        return None
