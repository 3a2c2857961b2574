"""The format of a log file, detected from its first lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from common.errors import FormatError, InputError
from common.logs.blocks import DamagedStreamError, decompressed
from common.logs.files import find_all, open_file
from common.logs.options import ReadOptions
from common.logs.registry import FORMATS, READERS

HEAD_BYTES = 64 * 1024
_HEAD_LINES = 200


@dataclass(frozen=True)
class LogFiles:
    """Log files with the format of each, in order, and the files that are not logs, with the reason."""

    paths: tuple[str, ...]
    formats: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


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
    """The first `HEAD_BYTES` of the file, unpacked; empty for an empty file."""
    with open_file(path) as stream:
        head = b""
        try:
            for piece in decompressed(stream, stream.read(HEAD_BYTES)):
                head += piece
                if len(head) >= HEAD_BYTES:
                    break
        except DamagedStreamError:
            pass
        return head[:HEAD_BYTES]


def format_of(path: str, head: bytes, options: ReadOptions) -> str:
    """The format that the options name, or else the one detected from the start of the unpacked contents.

    Raises:
        FormatError: no format fits.
    """
    found = options.format or detect_format(head[:HEAD_BYTES])
    if found is None:
        raise FormatError(f"{path} is in no known log format", f"Name the format with --format: {', '.join(FORMATS)}")
    return found


def find_logs(inputs: Sequence[str], options: ReadOptions) -> LogFiles:
    """The log files that the inputs name.

    A file that was found in a folder or by a glob is skipped if it is empty, or in no known format while none is named.

    Raises:
        InputError: an input does not exist, a named file is empty, or no log file is found at all.
        FormatError: a named file is in no known format.
    """
    logs: list[tuple[str, str]] = []
    skipped: list[tuple[str, str]] = []
    for file in find_all(inputs):
        head = read_head(file.path)
        found = options.format or detect_format(head)
        if not head and file.named:
            raise InputError(f"{file.path} is empty", "Name a file with log records")
        if head and found:
            logs.append((file.path, found))
        elif file.named:
            format_of(file.path, head, options)
        else:
            skipped.append((file.path, "in no known log format" if head else "empty"))
    if not logs:
        path, reason = skipped[0]
        raise InputError(f"no log file in {', '.join(inputs)}: {path} is {reason}", "Check the input")
    return LogFiles(tuple(path for path, _ in logs), tuple(name for _, name in logs), tuple(skipped))
