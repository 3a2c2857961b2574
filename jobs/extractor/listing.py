"""Batches found in the folder of an organisation: `YYYY/MM/DD/<batch>/<files>`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import groupby

from common.errors import NdrError
from common.storage.files import Entry, Folder
from common.windows import Windows, parse_moment
from jobs.extractor.candidates import Candidate, Candidates

EVENT_FILE = "_BATCH.json"
DATE_PARTS = 3
READERS = 16


def days_of(windows: Iterable[Windows]) -> list[date]:
    """The UTC dates below which batches of the windows lie: those on which the windows start, and the day after each.

    A batch of the last windows of a day arrives when the next one has begun.
    """
    starts = {window.start.date() for window in windows}
    return sorted(starts | {day + timedelta(days=1) for day in starts})


def listed(folder: Folder, days: Iterable[date]) -> Candidates:
    """The batches below these dates.

    The event of a batch is the one that its `_BATCH.json` names, else the last change of any of its files.

    Raises:
        StorageError: the folder cannot be listed.
    """
    candidates = Candidates()
    batches: list[tuple[str, list[Entry]]] = []
    for day in days:
        entries = folder.list(f"{day:%Y/%m/%d}")
        for name, group in groupby(entries, key=lambda entry: entry.name.split("/")[DATE_PARTS]):
            members = list(group)
            if reason := _no_batch(name, members):
                candidates.ignored.append((f"{folder.uri}/{day:%Y/%m/%d}/{name}", reason))
            else:
                batches.append((f"{day:%Y/%m/%d}/{name}", members))
    with ThreadPoolExecutor(READERS) as pool:
        events = pool.map(lambda batch: _event(folder, *batch), batches)
        for (path, _), event in zip(batches, events, strict=True):
            if isinstance(event, str):
                candidates.ignored.append((f"{folder.uri}/{path}", event))
            else:
                candidates.found.append(Candidate(event, f"{folder.uri}/{path}", path.rpartition("/")[2]))
    return candidates


def _no_batch(name: str, members: list[Entry]) -> str | None:
    """Why the entries below a name of a date folder are no batch."""
    if all(entry.name.count("/") == DATE_PARTS for entry in members):
        return "a file in no batch folder"
    if name.startswith(("_", ".")):
        return "a folder that is hidden"
    if "," in name:
        return "its name holds a comma, which separates batches"
    visible = (entry for entry in members if _is_visible(entry.name.split("/")[DATE_PARTS + 1 :]))
    return None if any(entry.size for entry in visible) else "a folder without a log file"


def _is_visible(parts: list[str]) -> bool:
    return not any(part.startswith(("_", ".")) for part in parts)


def _event(folder: Folder, path: str, members: list[Entry]) -> datetime | str:
    """When the batch's event happened; a text says why that cannot be told."""
    if not any(entry.name == f"{path}/{EVENT_FILE}" for entry in members):
        return max(entry.modified for entry in members)
    content = folder.read(f"{path}/{EVENT_FILE}")
    try:
        return parse_moment(json.loads(content)["event_ts_iso"])
    except (ValueError, KeyError, TypeError, NdrError) as error:
        return f"{EVENT_FILE} names no event_ts_iso: {' '.join(str(error).split())[:200]}"
