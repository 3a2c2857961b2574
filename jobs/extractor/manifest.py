"""The manifest of a request: the mini-batches of each window, the gaps, and what was ignored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from common.storage.files import Folder
from common.storage.filesystems import bucket_and_key
from common.windows import Windows, iso_seconds
from jobs.extractor.candidates import Candidate
from jobs.extractor.config import ExtractorConfig

WINDOWS_FILE, MANIFEST_FILE = "windows.json", "manifest.json"
MOST_CHARACTERS = 256
MOST_IGNORED = 100


def write_manifest(
    config: ExtractorConfig,
    batches: Mapping[Windows, Sequence[Candidate]],
    ignored: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Writes the file of the windows, then the manifest; returns the manifest.

    Repeating a request for the same mini-batches writes the same bytes. The mini-batches of a window are joined by
    commas, or listed in a file if they would exceed the length of a processing job's argument.
    """
    folder = Folder(config.manifest_uri)
    windows = [_window(folder, window, members) for window, members in batches.items()]
    gaps = [window.key for window in config.wanted if window not in batches]
    folder.write(WINDOWS_FILE, _json(windows))
    manifest = {
        "request_id": config.request_id,
        "project_name": config.project_name,
        "range": {"start": iso_seconds(config.windows.start), "end": iso_seconds(config.windows.end)},
        "window_count": len(windows),
        "gap_count": len(gaps),
        "gaps": gaps,
        "ignored_count": len(ignored),
        "ignored": [list(entry) for entry in sorted(ignored)[:MOST_IGNORED]],
        "windows_key": _key(config.manifest_uri),
    }
    folder.write(MANIFEST_FILE, _json(manifest))
    return manifest


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
