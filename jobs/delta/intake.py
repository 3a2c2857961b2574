"""Ingest: logs to the sessions that count, without late ones and duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain

from common.errors import InputError
from common.logs import Hole, LogFiles, ReadOptions, find_logs
from common.runtime.context import StageRun
from common.runtime.output import activity
from common.storage.batches import EVENT_FILE
from common.storage.scratch import scratch_folder, scratch_of_parts
from jobs.delta.config import DeltaConfig
from jobs.delta.duplicates import duplicates
from jobs.delta.kept import Staged, without
from jobs.delta.open_sessions import Records
from jobs.delta.parsing import parsed
from jobs.delta.placement import Placement, placed
from jobs.delta.scanning import Intake, scanned
from jobs.delta.staged import RunCounts, StagedPart


@contextmanager
def ingest(config: DeltaConfig, stage: StageRun) -> Iterator[Intake]:
    """The sessions of the input; temporary files are removed on exit.

    Raises:
        InputError: there is no input, or it has no record.
    """
    options = ReadOptions(
        config.log_format,
        config.log_time_zone or stage.project.log_time_zone,
        stage.project.device_time_zones,
        stage.project.column_mapping,
        stage.project.columns,
    )
    with activity("finding logs", stage.report.stage):
        found = find_logs(config.inputs, options)
    placement = placed([*found.paths, *(hole.path for hole in found.unreadable)], config.inputs, config.windows)
    logs = _of_windows(found, placement, stage)
    stage.report.details["files"] = len(logs.paths)
    if logs.skipped:
        stage.report.details["skipped_files"] = [f"{path}: {reason}" for path, reason in logs.skipped]
    with stage.report.step("check"):
        clean = scanned(stage, logs, options, placement)
    if clean is not None:
        yield clean
        return
    with scratch_of_parts(stage.lake.uri, stage.engine.is_cluster) as location:
        with stage.report.step("parse"):
            staged = _staged(stage, logs, options, placement, location)
        with stage.report.step("duplicates"):
            intake = _without_duplicates(staged, stage)
        yield intake


def _of_windows(found: LogFiles, placement: Placement, stage: StageRun) -> LogFiles:
    """The log files without those of batches that are not of the run's windows, which the report names or counts.

    A batch whose time is unknown may be of these windows: it is a hole in them.

    Raises:
        InputError: none is left.
    """
    details = stage.report.details
    if placement.left_out:
        details["batches_of_other_windows"] = len(placement.left_out)
    if placement.unknown:
        details["batches_without_time"] = [f"{folder}: {reason}" for folder, reason in placement.unknown]
    kept = set(placement.paths)
    if not kept & set(found.paths):
        folder = [*placement.left_out, *(folder for folder, _ in placement.unknown), *placement.paths][0]
        raise InputError(
            f"no batch of the input is of {placement.windows}; {folder} is not, for example",
            "Check --input and --window",
        )
    logs = {path: name for path, name in zip(found.paths, found.formats, strict=True) if path in kept}
    holes = [hole for hole in found.unreadable if hole.path in kept]
    holes += [Hole(f"{folder}/{EVENT_FILE}", reason, None, None) for folder, reason in placement.unknown]
    return replace(found, paths=tuple(logs), formats=tuple(logs.values()), unreadable=tuple(holes))


def _staged(stage: StageRun, logs: LogFiles, options: ReadOptions, placement: Placement, location: str) -> StagedPart:
    """The parsed input, staged at the location."""
    counts = RunCounts(holes=list(logs.unreadable))
    parts = []
    for part in parsed(stage, logs, options, placement, location):
        counts.include(part.counts)
        parts.append(part)
    if not counts.read:
        raise InputError(
            f"the input has no records ({len(logs.paths)} files, the first is {logs.paths[0]})", "Check --input"
        )
    names = ("sessions", "rejects", "opened", "ends")
    files = (tuple(chain.from_iterable(getattr(part, name) for part in parts)) for name in names)
    return StagedPart(counts, *files)


def _without_duplicates(staged: StagedPart, stage: StageRun) -> Intake:
    """The staged sessions without duplicates, which are counted."""
    counts, kept = staged.counts, Staged(staged.sessions)
    records = Records(staged.opened, kept, staged.ends)
    with scratch_folder(stage.lake.uri) as folder:
        dropped = duplicates(kept, stage.engine, folder)
    counts.duplicate += len(dropped)
    counts.kept -= len(dropped)
    return Intake(without(kept, dropped), counts, records, staged.rejects)
