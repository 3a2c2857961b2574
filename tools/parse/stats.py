"""A summary of logs: what was read, what became of it, which fields have values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.session import SESSION_COLUMNS
from common.display import counted, on_terminal
from common.logs import Counts, LogFiles
from common.runtime.rows import moment

MOST_REASONS = 5
_EXAMPLE_CHARACTERS = 120
_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|-?\b[0-9][0-9,.:T/+-]*\b")
_FIELDS = tuple(column.name for column in SESSION_COLUMNS)


class Stats:
    """Collects the summary from batches of sessions that are kept, and of rejects."""

    def __init__(self) -> None:
        self._sessions = 0
        self._filled: Counter[str] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._reasons: Counter[str] = Counter()
        self._examples: dict[str, dict[str, Any]] = {}

    def add(self, kept: pa.RecordBatch) -> None:
        """Adds sessions that are kept."""
        if not kept.num_rows:
            return
        self._sessions += kept.num_rows
        for name in _FIELDS:
            column = kept.column(name)
            self._filled[name] += len(column) - column.null_count
        ends = pc.min_max(kept.column("end_ts")).as_py()
        self._first = min(filter(None, (self._first, ends["min"])))
        self._last = max(filter(None, (self._last, ends["max"])))

    def add_rejects(self, rejects: pa.RecordBatch) -> None:
        """Adds rejected records; reasons that differ in a value only count as one."""
        for reject in rejects.to_pylist():
            kind = _VALUE.sub("...", reject["reason"])
            self._reasons[kind] += 1
            self._examples.setdefault(kind, reject)

    def summary(self, logs: LogFiles, counts: Counts) -> dict[str, Any]:
        """The summary, in types of JSON; shares are 0 to 1."""
        return {
            "files": len(logs.paths),
            "bytes": logs.stored_bytes,
            "formats": dict(Counter(logs.formats).most_common()),
            "skipped_files": len(logs.skipped),
            **counts.of_holes(),
            "records": counts.of_records(),
            "others": dict(counts.others.most_common()),
            "zones": dict(counts.zones.most_common()),
            "first_end_ts": self._first and moment(self._first),
            "last_end_ts": self._last and moment(self._last),
            "fields": {name: round(self._filled[name] / self._sessions, 6) for name in _FIELDS if self._sessions},
            "rejects": [
                {"reason": kind, "records": count, "example": self._examples[kind]}
                for kind, count in self._reasons.most_common(MOST_REASONS)
            ],
        }


def text(summary: Mapping[str, Any]) -> str:
    """The summary for people."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    formats = ", ".join(f"{count:,} {name}" for name, count in found["formats"].items())
    yield f"files    {found['files']:,} ({formats}), {found['bytes']:,} bytes, {found['skipped_files']:,} skipped"
    if found["damaged_files"] or found["unreadable_files"]:
        damaged = counted(found["damaged_files"], "damaged file")
        yield f"holes    {damaged}, {found['unreadable_files']:,} that cannot be read"
    records = found["records"]
    yield f"records  {records['read']:,}: " + ", ".join(f"{records[name]:,} {name}" for name in list(records)[1:])
    for title, name in (("others", "others"), ("zones", "zones")):
        if found[name]:
            kinds = ", ".join(f"{count:,} {on_terminal(kind)}" for kind, count in found[name].items())
            yield f"{title:8} {kinds}"
    if found["first_end_ts"]:
        yield f"times    sessions ended from {found['first_end_ts']} to {found['last_end_ts']}"
    if found["fields"]:
        yield "fields   share of the kept sessions that have a value:"
        yield from _columns([f"{name:20} {share:6.1%}" for name, share in found["fields"].items()])
    for reject in found["rejects"]:
        example = reject["example"]
        place = f"{example['source_file']}:{example['source_line']}"
        yield f"rejects  {reject['records']:,}: {on_terminal(reject['reason'])}"
        yield f"         as {on_terminal(place)}: {on_terminal(example['raw'])[:_EXAMPLE_CHARACTERS]}"


def _columns(cells: list[str], count: int = 3) -> Iterator[str]:
    rows = -(-len(cells) // count)
    for at in range(rows):
        yield f"         {'   '.join(cells[at::rows])}".rstrip()
