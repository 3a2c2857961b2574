"""The format of a log file, detected from its first lines."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from common.errors import FormatError, InputError, StorageError
from common.logs.files import FoundFile, file_size, find_all, is_no_log, open_file
from common.logs.formats import panos, panos_columns, parquet
from common.logs.holes import Hole
from common.logs.nearest import describe
from common.logs.options import ReadOptions
from common.logs.packing import Damage, contents, is_packed
from common.logs.registry import FORMATS, READERS, reader_of
from common.logs.wrappers import Wrapping, find_wrapping

HEAD_BYTES = 64 * 1024
_NEVER_EMPTY = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".snappy", ".parquet")

_UNPACK = "Unpack it, and name the files in it"
LOOKS = (
    (re.compile(rb"PK\x03\x04"), "zip archive", _UNPACK),
    (re.compile(rb".{257}ustar", re.DOTALL), "tar archive", _UNPACK),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "7z archive", _UNPACK),
    (re.compile(rb"Rar!\x1a\x07"), "rar archive", _UNPACK),
    (re.compile(rb"\xff\x06\0\0sNaPpY"), "snappy stream", "Unpack it: of snappy data, only raw blocks are read"),
    (re.compile(rb"\x1f[\x9d\xa0]"), "file of compress", _UNPACK),
    (re.compile(rb"Obj\x01"), "Avro file", "Write it as Parquet or JSON lines"),
    (re.compile(rb"ORC"), "ORC file", "Write it as Parquet or JSON lines"),
    (
        re.compile(rb"\xd4\xc3\xb2\xa1|\xa1\xb2\xc3\xd4|\x0a\x0d\x0d\x0a"),
        "packet capture",
        "Give Zeek's conn.log of it",
    ),
    (re.compile(rb"ElfFile\0"), "Windows event log", "Give logs of a firewall"),
    (re.compile(rb"SQLite format 3\0"), "SQLite database", "Write its rows as CSV or JSON lines"),
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
    """The format of a file whose unpacked contents begin like this; None if no format knows any of its records."""
    found = find_wrapping(head.removeprefix(BOM_UTF8)[:HEAD_BYTES], sniff)
    return found[1] if found else None


def sniff(line: bytes, columns: Sequence[str] = ()) -> str | None:
    """The format that knows the line; None if there is none.

    A line with as many columns as the project names may look like one in PAN-OS's own order, or like none.
    """
    found = next((reader.NAME for reader in READERS if reader.sniff(line)), None)
    return panos_columns.NAME if found in (None, panos.NAME) and panos_columns.fits(line, columns) else found


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


def recognise(path: str, head: bytes, options: ReadOptions) -> tuple[Wrapping, str]:
    """What is around the records of a file whose unpacked contents begin like this, and their format.

    Raises:
        FormatError: the options name no format, and none fits.
    """
    head = head[:HEAD_BYTES]
    if options.format:
        reader = reader_of(options.format)
        named = find_wrapping(head, lambda line: reader.NAME if reader.sniff(line) else None)
        return named or (Wrapping(), reader.NAME)
    looks = next(((kind, remedy) for begin, kind, remedy in LOOKS if begin.match(head)), None)
    if is_packed(head):
        looks = "file that is packed twice", "Unpack it once"
    found = None if looks else find_wrapping(head, partial(sniff, columns=options.columns))
    if found:
        return found
    if looks:
        raise FormatError(f"{path} is in no known log format: it is a {looks[0]}", looks[1])
    if options.columns:
        return Wrapping(), panos_columns.NAME  # which says of each line what does not fit
    nearest = describe(head)
    raise FormatError(
        f"{path} is in no known log format{nearest and f': it looks like {nearest}'}",
        f"Name the format with --log-format: {', '.join(FORMATS)}",
    )


def wrapping_of(head: bytes) -> Wrapping:
    """What is around the records of a file whose unpacked contents begin like this; nothing if no format fits."""
    found = find_wrapping(head[:HEAD_BYTES], sniff)
    return found[0] if found else Wrapping()


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
        if file.path.endswith(_NEVER_EMPTY) and not size:
            raise InputError(f"{file.path} has no bytes at all", "Send the file again")
        return None, size
    try:
        _, found = recognise(file.path, head, options)
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
