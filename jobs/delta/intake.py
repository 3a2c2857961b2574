"""Ingest: logs to the sessions that count, without late ones and duplicates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pyarrow import fs

from common.errors import InputError
from common.logs import Hole, LogFiles, ReadOptions, find_logs, read_files
from common.privacy.masking import mask_of
from common.runtime.context import StageRun
from common.runtime.engine import Engine
from common.runtime.output import activity, progress
from common.storage.batches import EVENT_FILE
from common.storage.filesystems import subtree
from common.storage.scratch import scratch_folder, scratch_of_parts
from jobs.delta.config import DeltaConfig
from jobs.delta.duplicates import duplicates
from jobs.delta.kept import Staged, without
from jobs.delta.open_sessions import Records
from jobs.delta.placement import Placement, placed
from jobs.delta.scanning import Intake, scanned
from jobs.delta.staging import RunCounts, Staging


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
    with scratch_folder(stage.lake.uri) as folder:
        with stage.report.step("parse"):
            staging = _stage_files(folder, logs, options, placement, stage)
        with _seen_by_parts(staging.sessions_path, stage) as path:
            with stage.report.step("duplicates"):
                intake = _without_duplicates(staging, path, stage.engine)
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


def _stage_files(
    folder: Path,
    logs: LogFiles,
    options: ReadOptions,
    placement: Placement,
    stage: StageRun,
) -> Staging:
    lateness = timedelta(minutes=stage.project.allowed_lateness_minutes)
    staging = Staging(folder, placement, lateness, RunCounts(holes=list(logs.unreadable)), mask_of(stage.project))
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        progress(done, logs.stored_bytes, "bytes")

    with staging:
        for batch in read_files(logs.paths, options, threads=os.cpu_count() or 1, read=count):
            staging.add(batch)
    if not staging.counts.read:
        raise InputError(
            f"the input has no records ({len(logs.paths)} files, the first is {logs.paths[0]})", "Check --input"
        )
    return staging


@contextmanager
def _seen_by_parts(path: str, stage: StageRun) -> Iterator[str]:
    """Where the parts of the run read a local file: the workers of a cluster may share only the lake."""
    if not (stage.engine.is_cluster and stage.lake.is_remote):
        yield path
        return
    with scratch_of_parts(stage.lake.uri, stage.engine.is_cluster) as folder:
        name = Path(path).name
        fs.copy_files(path, name, source_filesystem=fs.LocalFileSystem(), destination_filesystem=subtree(folder))
        yield f"{folder}/{name}"


def _without_duplicates(staging: Staging, path: str, engine: Engine) -> Intake:
    """The staged sessions, read from this path, without duplicates, which are counted."""
    counts, staged = staging.counts, Staged(path)
    dropped = duplicates(staged, engine, staging.folder)
    counts.duplicate += len(dropped)
    counts.kept -= len(dropped)
    ends = (staging.sessions_path, staging.ends_path)
    records = Records(staging.placement.windows, ends, staging.open_path)
    return Intake(without(staged, dropped), counts, records, staging.rejects_path if counts.rejected else None)
