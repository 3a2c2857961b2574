"""Files under review that are put in place in a lake, whole: the last one holds, earlier ones are its history."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa

from common.errors import InputError
from common.lake.lake import Lake
from common.lake.reader import LakeReader
from common.windows import iso

MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class PutText:
    """A row of such a table: a text, and who put it in place when."""

    list_id: str
    put_ts: datetime
    put_by: str
    text: str
    date: str


def require_small(content: bytes, source: str, kind: str) -> None:
    """Refuses a file that nobody can have reviewed.

    Raises:
        InputError: it is too large.
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"{source} has {len(content):,} bytes", f"{kind} has {MOST_BYTES:,} at most")


def text_in_place(lake: LakeReader, table: str) -> PutText | None:
    """The text that holds: the last one that was put in place.

    Raises:
        TableError: the table is unreadable.
    """
    rows = lake.arrow(table).to_pylist() if lake.exists(table) else []
    return max((PutText(**row) for row in rows), key=lambda one: one.put_ts, default=None)


def put_text(lake: Lake, table: str, kind: str, text: str, by: str, now: datetime) -> bool:
    """Makes this the text that holds; False if it is already. `kind` names it in messages.

    Raises:
        InputError: somebody else has put another one in place meanwhile.
        CommitError: the table cannot be written.
    """
    seen = text_in_place(lake, table)
    if seen and seen.text == text:
        return False
    new = PutText(hashlib.sha256(text.encode()).hexdigest()[:12], now, by, text, f"{now:%Y-%m-%d}")
    schema = lake.table(table).arrow
    row = pa.Table.from_pylist([asdict(new)], schema=schema)

    def added(rows: pa.Table) -> pa.Table:
        for other in rows.to_pylist():
            if seen is None or other["put_ts"] > seen.put_ts:
                raise InputError(
                    f"{other['put_by']} has put another {kind} in place at {iso(other['put_ts'])}",
                    "Look at it with --preview, and put yours in place again",
                )
        return pa.concat_tables([rows.cast(schema), row])

    lake.rewrite(table, {"date": [new.date]}, added)
    return True
