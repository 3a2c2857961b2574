"""The marks of releases before cases, which become triage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from common.contracts.triage import TRIAGE
from common.detection.alerts.terms import HOST, PAIR
from common.detection.alerts.triage import TABLE, Change
from common.errors import LakeFormatError
from common.lake.lake import Lake
from common.storage.files import Folder
from common.windows import parse_moment

FILE = "feedback/marks.json"
AUTHOR = "migrated"


def has_marks(lake: Lake) -> bool:
    """Whether the lake has marks that are not triage yet."""
    return Folder(lake.uri).exists(FILE) and not (lake.exists(TABLE) and lake.count(TABLE))


def marks_to_triage(lake: Lake) -> None:
    """Writes a change for each mark. The file stays, and no release reads it any more.

    Raises:
        LakeFormatError: the file is damaged.
        CommitError: the table cannot be written.
    """
    try:
        changes = [_change(mark) for mark in json.loads(Folder(lake.uri).read(FILE))]
    except (ValueError, TypeError, KeyError) as error:
        raise LakeFormatError(
            f"{lake.uri}/{FILE} is damaged: {error}", "Restore it from a copy, or delete it, and migrate again"
        ) from None
    rows = pa.Table.from_pylist([change.to_row() for change in changes], schema=TRIAGE.arrow)
    if len(rows):
        lake.rewrite(TABLE, {"date": sorted({*rows["date"].to_pylist()})}, lambda _: rows)


def _change(mark: Mapping[str, Any]) -> Change:
    """The mark as a change; it covered the technique with one peer, or with any."""
    return Change(
        case_id=mark["incident_id"],
        changed_ts=parse_moment(mark["marked"]),
        changed_by=AUTHOR,
        status=mark["verdict"],
        owner=None,
        note=mark["reason"],
        scope=PAIR if mark["scope"] == HOST and mark["peer"] else mark["scope"],
        source=mark["host_ip"],
        segment_id=mark["segment_id"],
        techniques=(mark["behaviour"],),
        peers=(mark["peer"],) if mark["peer"] else (),
        expires_ts=parse_moment(mark["expires"]),
    )
