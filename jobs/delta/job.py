"""Reads logs, makes host and pair slices, and writes `sessions_rejected`, `session_keys`, `sessions`, `open_sessions`,
`log_volume`, `delta_pair` and `delta_host`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import RejectedRatioError
from common.lake.table_files import rows_of as rows_in
from common.lake.window_files import window_files
from common.runtime.context import StageRun
from common.runtime.output import message
from common.storage.filesystems import filesystem_of, without_scheme
from common.storage.scratch import scratch_folder, writing
from common.windows import Windows
from jobs.delta import open_sessions, sessions, volume
from jobs.delta.claims import claim
from jobs.delta.config import DeltaConfig
from jobs.delta.intake import ingest
from jobs.delta.kept import rows_of
from jobs.delta.overlaps import overlapping
from jobs.delta.scanning import Intake
from jobs.delta.slices import TABLES, slice_files
from jobs.delta.sums import check_sums

REJECTED = "sessions_rejected"
HOLES_SHOWN = 100
"""The run report names so many damaged or unreadable parts of the input; `missing` counts all."""


def run(config: DeltaConfig, stage: StageRun) -> None:
    """Replaces the windows of the tables; `delta_host` comes last and implies that the others are complete."""
    check_sums(stage.spec)
    with ingest(config, stage) as ingested:
        _account(ingested, stage)
        _write_rejects(ingested, stage, config)
        _check_ratio(ingested, stage, config)
        with stage.lake.journal.run("delta", config.windows, ingested.counts.incomplete_reason) as lacking:
            with stage.report.step("claim"):
                intake = claim(ingested, stage, config.windows)
            _account(intake, stage)
            _write_sessions(intake, stage, config.windows)
            _write_open(intake, stage, config.windows)
            lacking.update(_write_volume(intake, stage, config.windows))
            _warn_of_overlaps(intake, stage)
            _write_slices(intake, stage, config.windows)


def _write_sessions(intake: Intake, stage: StageRun, windows: Windows) -> None:
    with stage.report.step(sessions.TABLE):
        sessions.write_sessions(stage, intake.kept, windows)
        _remove_outdated(sessions.TABLE, stage, windows)


def _write_open(intake: Intake, stage: StageRun, windows: Windows) -> None:
    name, oldest = open_sessions.TABLE, timedelta(days=stage.project.open_sessions_days)
    with stage.report.step(name):
        if missing := open_sessions.gap(stage.lake, windows):
            stage.report.details[name] = missing
        stage.report.wrote(name, *open_sessions.write_open(stage.lake, intake.records, windows, oldest))
        _remove_outdated(name, stage, windows)


def _remove_outdated(table: str, stage: StageRun, windows: Windows) -> None:
    sessions.remove_outdated(stage.lake, table, windows, timedelta(days=stage.project.sessions_retention_days))


def _warn_of_overlaps(intake: Intake, stage: StageRun) -> None:
    if stage.project.networks:
        return
    with stage.report.step("overlapping addresses"), scratch_folder(stage.lake.uri) as folder:
        count, examples = overlapping(intake.kept, stage.project, folder)
    if count:
        stage.report.details["addresses_on_several_devices"] = {"count": count, "examples": examples}
        message(
            f"{count:,} internal addresses are active on several devices at once, for example "
            f"{', '.join(examples)}. If they are different hosts, give the project parameter networks",
            "warning",
        )


def _write_volume(intake: Intake, stage: StageRun, windows: Windows) -> dict[str, str]:
    """Writes how much was logged; returns what the windows lack, by window key."""
    with stage.report.step(volume.TABLE):
        rows = volume.volume_of(rows_of(intake.kept, volume.COUNTED))
        stage.report.wrote(volume.TABLE, *volume.write_volume(stage.lake, rows, windows))
        falls = volume.judged(stage.lake, windows, stage.project)
    volume.report_falls(falls, stage.report)
    return volume.reasons(falls)


def _write_slices(intake: Intake, stage: StageRun, windows: Windows) -> None:
    with ExitStack() as files:
        for table in TABLES:
            files.enter_context(writing(stage.lake.uri, table))
        with stage.report.step("slices"):
            found = slice_files(intake.kept, intake.counts.kept, stage, windows)
        for table in TABLES:  # the hosts last
            with stage.report.step(table):
                version = stage.lake.replace_files(table, found[table], windows)
            stage.report.rows_out = sum(map(rows_in, found[table]))
            stage.report.wrote(table, version, stage.report.rows_out)


def _account(intake: Intake, stage: StageRun) -> None:
    counts = intake.counts
    if not counts.add_up():
        raise AssertionError(f"records do not add up: {counts}")
    stage.report.rows_in, stage.report.rows_rejected = counts.read, counts.rejected
    stage.report.details |= {"records": counts.of_records()} | counts.of_kinds()
    stage.report.incomplete_reason = counts.incomplete_reason
    if counts.holes:
        stage.report.details["missing"] = counts.of_holes()
        stage.report.details["holes"] = [asdict(hole) for hole in counts.holes[:HOLES_SHOWN]]


def _write_rejects(intake: Intake, stage: StageRun, config: DeltaConfig) -> None:
    name, lake = REJECTED, stage.lake
    with stage.report.step(name), writing(lake.uri, name), window_files(lake, name, config.windows) as files:
        for rows in _rejects(intake):
            run = pa.repeat(pa.scalar(config.mini_batch_id, pa.string()), len(rows))
            files.add(rows.append_column("mini_batch_id", run))
        files.flush()
        version = lake.replace_files(name, files.actions, config.windows)
    stage.report.wrote(name, version, files.rows)


def _check_ratio(intake: Intake, stage: StageRun, config: DeltaConfig) -> None:
    given = config.max_rejected_ratio
    allowed = stage.project.max_rejected_ratio if given is None else given
    counts = intake.counts
    if counts.unexplained_rejects <= allowed * counts.read:
        return
    first = _first(intake)
    raise RejectedRatioError(
        f"{counts.unexplained_rejects:,} of {counts.read:,} records were rejected, more than max_rejected_ratio "
        f"{allowed:g}; the first: {first['source_file']} line {first['source_line']}: {first['reason']}",
        "See table sessions_rejected; correct the input, --window, --log-format or --log-time-zone, or raise "
        "--max-rejected-ratio",
    )


def _rejects(intake: Intake) -> Iterator[pa.Table]:
    for path in intake.rejects:
        file = pq.ParquetFile(without_scheme(path), filesystem=filesystem_of(path))
        yield from (pa.Table.from_batches([batch]) for batch in file.iter_batches())


def _first(intake: Intake) -> dict[str, Any]:
    """The first reject by file and line."""
    order = [(name, "ascending") for name in ("source_file", "source_line")]
    firsts = (rows.sort_by(order).slice(0, 1) for rows in _rejects(intake))
    first: dict[str, Any] = pa.concat_tables(firsts).sort_by(order).slice(0, 1).to_pylist()[0]
    return first
