"""What the log says: who unmasked, exported, erased or masked names, and who opened which case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from common.contracts.privacy import PRIVACY_LOG
from common.privacy.audit import TABLE
from common.runtime.rows import print_rows
from tools.privacy.opening import lake_of

COLUMNS = ("logged_ts", "logged_by", "action", "subject", "reason", "rows")


def print_log(
    lake_uri: str, action: str | None, by: str | None, subject: str | None, since: datetime | None, last: int, form: str
) -> None:
    """Prints the last entries that fit, the newest first."""
    lake = lake_of(lake_uri)
    entries = lake.arrow(TABLE, [*PRIVACY_LOG.column_names]).to_pylist() if lake.exists(TABLE) else []

    def fits(entry: dict[str, Any]) -> bool:
        return (
            action in (None, entry["action"])
            and by in (None, entry["logged_by"])
            and (subject is None or subject in (entry["subject"] or "").split())
            and (since is None or entry["logged_ts"] >= since)
        )

    def rows() -> Iterator[dict[str, Any]]:
        chosen = sorted(filter(fits, entries), key=lambda entry: (entry["logged_ts"], entry["entry_id"]), reverse=True)
        for entry in chosen[:last]:
            yield entry | {"rows": json.loads(entry["details"])}

    print_rows(rows(), form, COLUMNS)
