"""Mini-batches in the folder of an organisation: `YYYY/MM/DD/<mini-batch id>/<files>`."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import groupby

from common.aws.batch_index import NAME
from common.errors import WindowError
from common.storage.batches import EVENT_FILE, event_time
from common.storage.files import Entry, Folder
from common.windows import Windows
from jobs.extractor.candidates import Candidate, Candidates

DATE_PARTS = 3
READERS = 16


def days_of(windows: Iterable[Windows]) -> list[date]:
    """The UTC dates whose folders may have mini-batches of the windows: their start dates, and the day after each.

    A mini-batch of a day's last window arrives on the next day.
    """
    starts = {window.start.date() for window in windows}
    return sorted(starts | {day + timedelta(days=1) for day in starts})


def listed(folder: Folder, days: Iterable[date]) -> Candidates:
    """The mini-batches in the folders of these dates.

    The time of the event is `event_ts_iso` in `_BATCH.json`, else the latest modification of the files.

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
    """Why an entry of a date folder is not a mini-batch; None if it is one."""
    if all(entry.name.count("/") == DATE_PARTS for entry in members):
        return "a file outside a mini-batch folder"
    if name.startswith(("_", ".")):
        return "a hidden folder"
    if not NAME.fullmatch(name):
        return "its name has more than letters, digits, dots, dashes, underscores and equals signs, or 128 of them"
    visible = (entry for entry in members if _is_visible(entry.name.split("/")[DATE_PARTS + 1 :]))
    return None if any(entry.size for entry in visible) else "a folder without a log file"


def _is_visible(parts: list[str]) -> bool:
    return not any(part.startswith(("_", ".")) for part in parts)


def _event(folder: Folder, path: str, members: list[Entry]) -> datetime | str:
    """The time of the mini-batch's event; else the reason why it is unknown."""
    if not any(entry.name == f"{path}/{EVENT_FILE}" for entry in members):
        return max(entry.modified for entry in members)
    content = folder.read(f"{path}/{EVENT_FILE}")
    try:
        return event_time(content)
    except WindowError as error:
        return error.problem
