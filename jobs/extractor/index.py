"""Mini-batches in the batch index, where the 15-minute state machine records each one received."""

from __future__ import annotations

from collections.abc import Iterable

from common.aws.batch_index import Item, read_entries, record_found
from common.errors import NdrError, one_line
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows, parse_moment
from jobs.extractor.candidates import Candidate, Candidates

MOST_CHARACTERS = 200


def indexed(table: str, project_name: str, windows: Windows) -> Candidates:
    """The mini-batches of the index from one day before the windows to one day after.

    The extra days reveal mini-batches that were reported more than once. Those that are set aside are ignored, with
    the reason.

    Raises:
        AwsError: the table is missing or cannot be read.
    """
    first, last = windows.start - (WINDOWS_PER_DAY - 1) * WINDOW, windows.end + WINDOWS_PER_DAY * WINDOW
    items = read_entries(table, project_name, first, last)
    aside = {_path(item): item["set_aside"]["S"] for item in items if "set_aside" in item}
    candidates = Candidates()
    candidates.ignored += [(path, f"set aside: {one_line(aside[path], MOST_CHARACTERS)}") for path in sorted(aside)]
    for item in items:
        try:
            if (candidate := _candidate(item)).path not in aside:
                candidates.found.append(candidate)
        except (KeyError, NdrError) as error:
            key = item["batch_key"]["S"]
            reason = f"has no text {error}" if isinstance(error, KeyError) else f"is invalid: {error}"
            candidates.ignored.append((f"{table}/{key}", f"the index entry {reason}"))
    return candidates


def record(table: str, project_name: str, candidates: Iterable[Candidate]) -> None:
    """Records mini-batches that only a listing found, so that later runs of their windows take them along.

    Raises:
        AwsError: the table cannot be written.
    """
    for candidate in candidates:
        record_found(table, project_name, candidate.window, candidate.path, candidate.event_ts)


def _path(item: Item) -> str:
    return str(item.get("batch_s3_path", {}).get("S", "")).rstrip("/")


def _candidate(item: Item) -> Candidate:
    values = {name: item[name]["S"] for name in ("event_ts_iso", "batch_s3_path", "mini_batch_id")}
    return Candidate(parse_moment(values["event_ts_iso"]), values["batch_s3_path"].rstrip("/"), values["mini_batch_id"])
