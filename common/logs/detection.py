"""What format a file is in, told from its first bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from common.errors import FormatError, InputError
from common.logs.blocks import DamagedStreamError, decompressed
from common.logs.files import find_all, open_file
from common.logs.options import FORMATS, ReadOptions
from common.logs.panos_columns import RECORD_START_BYTES

HEAD_BYTES = 64 * 1024
_HEAD_LINES = 200
_ZEEK_FIELDS = re.compile(rb"^#fields\s.*\bid\.orig_h\b.*\bconn_state\b", re.MULTILINE)
_SLS_NAMES = frozenset({"LogType", "SourceAddress", "DestinationAddress", "TimeGenerated"})
_ECS_NAMES = frozenset({"@timestamp", "ecs", "event", "source", "panw", "source.ip", "event.action", "ecs.version"})


@dataclass(frozen=True)
class LogFiles:
    """Log files with their formats, in order, and the files that are no logs, with the reason."""

    paths: tuple[str, ...]
    formats: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


def detect_format(head: bytes) -> str | None:
    """The format of unpacked data that begin like this; None when it is none of the known ones."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"#"):
        return "zeek" if _ZEEK_FIELDS.search(head) else None
    lines = (line.strip() for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n"))
    for line in islice(filter(None, lines), _HEAD_LINES):
        if found := _format_of(line):
            return found
    return None


def _format_of(line: bytes) -> str | None:
    if line.startswith(b"StartTime,") and b"SrcAddr" in line:
        return "argus"
    if line.startswith(b"{"):
        return _json_format(line)
    return "panos" if RECORD_START_BYTES.search(line) else None


def _json_format(line: bytes) -> str | None:
    try:
        names: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if "conn_state" in names and ("id.orig_h" in names or "id_orig_h" in names):
        return "zeek"
    if len(_SLS_NAMES & names.keys()) > 1:
        return "sls"
    return "ecs" if len(_ECS_NAMES & names.keys()) > 1 else None


def read_head(path: str) -> bytes:
    """The first bytes of the file, unpacked; empty for an empty file."""
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
    """The format named in the options, or else that of a file whose unpacked contents begin like this.

    Raises:
        FormatError: it is none of the known ones.
    """
    found = options.format or detect_format(head[:HEAD_BYTES])
    if found is None:
        raise FormatError(f"{path} is in no known log format", f"Name one if it is (--format): {', '.join(FORMATS)}")
    return found


def find_logs(inputs: Sequence[str], options: ReadOptions) -> LogFiles:
    """The log files that the inputs name.

    A file in a folder or matched by a glob that is empty or, unless the format is named, in no known format is skipped.

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
