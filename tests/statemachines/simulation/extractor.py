"""The extractor as a model: the manifest of the windows that the index names."""

from __future__ import annotations

import json
from collections.abc import Mapping

from common.windows import Windows, iso_seconds, parse_moment, runs
from jobs.extractor.candidates import Candidate, by_window
from jobs.extractor.manifest import range_entry, split
from tests.statemachines.simulation.dynamodb import Table


def extract(parameters: Mapping[str, str], index: Table, objects: dict[tuple[str, str], str]) -> None:
    """Writes the manifest and the file of the ranges: windows of the index with a batch that is not set aside."""
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
    ranges = split({window: len(members) for window, members in grouped.items()})
    gaps = runs(window for window in windows if window not in grouped)
    bucket, _, prefix = parameters["ManifestUri"].removeprefix("s3://").partition("/")
    objects[bucket, f"{prefix}/ranges.json"] = json.dumps([range_entry(one) for one in ranges])
    manifest = {"window_count": len(grouped), "range_count": len(ranges), "gaps": [gap.span for gap in gaps]}
    objects[bucket, f"{prefix}/manifest.json"] = json.dumps(manifest)
