"""The manifest of a request: the mini-batches of each window, the gaps, and what was ignored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import WindowError
from common.storage.files import Folder
from common.storage.filesystems import bucket_and_key
from common.windows import Windows, iso_seconds, runs
from jobs.extractor.candidates import Candidate
from jobs.extractor.config import ExtractorConfig

WINDOWS_FILE, RANGES_FILE, MANIFEST_FILE = "windows.json", "ranges.json", "manifest.json"
MOST_CHARACTERS = 256
MOST_IGNORED = 100
MOST_RANGES = 800
"""A state machine collects an outcome of up to 250 bytes for each range, of at most 256 KiB together."""
MOST_BATCHES = 400
"""Mini-batches of a range of several windows, of which a query returns up to 400 bytes each, in the same limit."""


def write_manifest(
    config: ExtractorConfig,
    batches: Mapping[Windows, Sequence[Candidate]],
    ignored: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Writes the files of the windows and of the ranges, then the manifest; returns the manifest.

    Repeating a request for the same mini-batches writes the same bytes. The mini-batches of a window are joined by
    commas, or listed in a file if they would exceed the length of a processing job's argument.

    Raises:
        WindowError: the windows with mini-batches, or those without, are in too many ranges.
    """
    ranges = split({window: len(members) for window, members in batches.items()})
    lacking = [window for window in config.wanted if window not in batches]
    gaps = runs(lacking)
    if max(len(ranges), len(gaps)) > MOST_RANGES:
        raise WindowError(
            f"{config.windows} has {len(ranges):,} ranges of windows with mini-batches and {len(gaps):,} without, but "
            f"a backfill may have at most {MOST_RANGES} of each",
            "Split the range",
        )
    folder = Folder(config.manifest_uri)
    windows = [_window(folder, window, members) for window, members in batches.items()]
    folder.write(WINDOWS_FILE, _json(windows))
    folder.write(RANGES_FILE, _json([range_entry(one) for one in ranges]))
    manifest = {
        "request_id": config.request_id,
        "project_name": config.project_name,
        "range": {"start": iso_seconds(config.windows.start), "end": iso_seconds(config.windows.end)},
        "window_count": len(windows),
        "range_count": len(ranges),
        "gap_count": len(lacking),
        "gaps": [gap.span for gap in gaps],
        "ignored_count": len(ignored),
        "ignored": [list(entry) for entry in sorted(ignored)[:MOST_IGNORED]],
        "windows_key": _key(config.manifest_uri),
    }
    folder.write(MANIFEST_FILE, _json(manifest))
    return manifest


def split(batches: Mapping[Windows, int]) -> list[Windows]:
    """The ranges of consecutive windows, in order, by how many mini-batches each window has.

    A range has windows of one UTC date and, if it has several, at most 400 mini-batches.
    """
    found: list[Windows] = []
    count = 0
    for window in sorted(batches):
        last = found[-1] if found else None
        if (
            last is not None
            and (last.end, last.start.date()) == (window.start, window.start.date())
            and count + batches[window] <= MOST_BATCHES
        ):
            found[-1] = Windows(last.start, window.end)
            count += batches[window]
        else:
            found.append(window)
            count = batches[window]
    return found


def range_entry(windows: Windows) -> dict[str, str | int]:
    """A range as its state machine reads it."""
    return {
        "range": windows.span,
        "windows": len(windows),
        "start_ts_iso": iso_seconds(windows.start),
        "end_ts_iso": iso_seconds(windows.end),
    }


def _window(folder: Folder, window: Windows, members: Sequence[Candidate]) -> dict[str, str]:
    paths = ",".join(member.path for member in members)
    ids = ",".join(member.mini_batch_id for member in members)
    if max(len(paths), len(ids)) > MOST_CHARACTERS:
        name = f"inputs/{window.key}.txt"
        folder.write(name, "".join(f"{member.path}\n" for member in members).encode())
        paths, ids = f"@{folder.uri}/{name}", f"{members[0].mini_batch_id}+{len(members) - 1}"
    return {
        "window": window.key,
        "batch_start_ts_iso": iso_seconds(window.start),
        "batch_end_ts_iso": iso_seconds(window.end),
        "batch_s3_path": paths,
        "mini_batch_id": ids,
    }


def _key(manifest_uri: str) -> str:
    """The S3 key of the file of the windows, or its local path."""
    if manifest_uri.startswith("s3://"):
        return bucket_and_key(f"{manifest_uri}/{WINDOWS_FILE}")[1]
    return f"{manifest_uri}/{WINDOWS_FILE}"


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()
