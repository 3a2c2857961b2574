"""The extractor as a model: the manifest of the windows that the index names."""

from __future__ import annotations

import json
from collections.abc import Mapping

from common.windows import Windows, iso_seconds, parse_moment
from jobs.extractor.candidates import Candidate, by_window
from tests.statemachines.simulation.dynamodb import Table


def extract(parameters: Mapping[str, str], index: Table, objects: dict[tuple[str, str], str]) -> None:
    """Writes the manifest and the file of the windows: those of the index with a batch that is not set aside."""
    windows = Windows(parse_moment(parameters["RangeStartTsIso"]), parse_moment(parameters["RangeEndTsIso"]))
    first, last = iso_seconds(windows.start), iso_seconds(windows.end)
    found = [
        Candidate(
            parse_moment(item.value["event_ts_iso"]["S"]),
            item.value["batch_s3_path"]["S"],
            item.value["mini_batch_id"]["S"],
        )
        for (project, key), item in index.items()
        if project == parameters["ProjectName"] and f"{first}#" <= key <= f"{last}$" and "set_aside" not in item.value
    ]
    grouped, _ = by_window(found, tuple(windows))
    listed = [
        {
            "window": window.key,
            "batch_start_ts_iso": iso_seconds(window.start),
            "batch_end_ts_iso": iso_seconds(window.end),
            "batch_s3_path": ",".join(member.path for member in members),
            "mini_batch_id": ",".join(member.mini_batch_id for member in members),
        }
        for window, members in grouped.items()
    ]
    gaps = [window.key for window in windows if window not in grouped]
    bucket, _, prefix = parameters["ManifestUri"].removeprefix("s3://").partition("/")
    objects[bucket, f"{prefix}/windows.json"] = json.dumps(listed)
    manifest = {"window_count": len(listed), "gaps": gaps, "windows_key": f"{prefix}/windows.json"}
    objects[bucket, f"{prefix}/manifest.json"] = json.dumps(manifest)
