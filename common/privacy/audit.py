"""The log of who unmasked, exported, erased or masked names, and of who opened which case. Rows are only ever added."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from common.contracts.privacy import PRIVACY_LOG
from common.lake.commits import properties
from common.lake.lake import Lake
from common.storage.scratch import writing

TABLE = PRIVACY_LOG.name


@dataclass(frozen=True)
class Entry:
    """That somebody asked for something; `rows` says how many it was about, by table. Nothing of it names a person."""

    action: str
    logged_by: str
    reason: str | None = None
    subject: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    logged_ts: datetime = field(default_factory=lambda: datetime.now(UTC))
    entry_id: str = field(default_factory=lambda: secrets.token_hex(8))

    def to_row(self) -> dict[str, object]:
        """The entry as a row of the table."""
        values = asdict(self)
        details = json.dumps(values.pop("rows"), sort_keys=True)
        return values | {"details": details, "date": f"{self.logged_ts:%Y-%m-%d}"}


def note(lake: Lake, entry: Entry) -> None:
    """Adds an entry to the log; when this returns, it is in the lake.

    Raises:
        CommitError: the table cannot be written.
    """
    row = pa.Table.from_pylist([entry.to_row()], schema=PRIVACY_LOG.arrow)
    lake.ensure(TABLE)

    def added(delta: DeltaTable) -> None:
        write_deltalake(delta, row, mode="append", commit_properties=properties(max_commit_retries=0))

    with writing(lake.uri, TABLE):
        lake.commit(TABLE, added)
