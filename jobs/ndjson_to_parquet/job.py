"""Reads the files of a manifest, and writes their records as Parquet and the other lines as rejects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from common.errors import RejectedRatioError
from common.ingestion.document import Manifest, SourceFile, read_manifest
from common.logs.blocks import Block
from common.logs.packing import READ_BYTES, contents
from common.logs.packing.text_table import ADDED
from common.ndjson.names import Columns
from common.ndjson.sources import SourceGoneError, may_be_split, opened, size_of
from common.ndjson.spans import number_of_parts, spans_by_part
from common.ndjson.texts import read_block
from common.runtime.drivers import Work, results
from common.runtime.run_report import RunReport
from common.storage.files import Folder
from common.storage.places import place, remove_dead_places
from common.storage.plain_paths import temporary_base
from jobs.ndjson_to_parquet.config import ConversionConfig
from jobs.ndjson_to_parquet.outputs import outputs
from jobs.ndjson_to_parquet.part import FileCount, PartResult, PartTask, write_part
from jobs.ndjson_to_parquet.rejects import write_rejects

STAGE = "ndr-ndjson-to-parquet"
SAMPLE_BYTES, SAMPLE_THREADS = 4 * 1024 * 1024, 8
WORK = Work(write_part, PartResult, STAGE)


def run(config: ConversionConfig, now: datetime | None = None) -> None:
    """Writes the Parquet files and the rejects, and prints the run report. An empty manifest writes nothing.

    Raises:
        InputError: there is no manifest, or a file cannot be read.
        RejectedRatioError: too many lines are no records. The rejects are written then, and no Parquet file is.
    """
    report = RunReport(STAGE, engine="spark" if config.on_spark else None)
    manifest = _manifest(config.manifest_uri, now or datetime.now(UTC))
    report.details |= {"manifest": config.manifest_uri, "files": [], "files_gone": 0, "parquet": []}
    if manifest.files:
        _convert(config, manifest, f"{now or datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", report)
    report.show()


def _convert(config: ConversionConfig, manifest: Manifest, timestamp: str, report: RunReport) -> None:
    sizes = [size_of(file) for file in manifest.files]
    report.bytes_in = sum(sizes)
    parts = manifest.parts or number_of_parts(sizes)
    names = [f"merged-parquet-{manifest.date_prefix}/{manifest.id}-{part:05}-of-{parts:05}.parquet"
             for part in range(1, parts + 1)]  # fmt: skip
    rejects = f"rejects-{manifest.date_prefix}/{manifest.id}.ndjson"
    base = temporary_base()
    remove_dead_places(base)
    with place(base, STAGE) as scratch, outputs(config.output_uri, names) as out:
        spans = spans_by_part(manifest.files, sizes, parts, may_be_split)
        with report.step("columns"):
            columns = _first_columns(manifest.files)
        tasks = [
            PartTask(part, spans[part], columns, timestamp, config.compression, target)
            for part, target in enumerate(out.targets)
        ]
        found = _results(tasks, config, scratch, report)
        out.etags.update({result.part: result.etags for result in found})
        with report.step("rejects"):
            write_rejects(config.rejects_uri, rejects, manifest.files, found, scratch)
        _count(report, manifest.files, found)
        report.details |= {"rejects": f"{config.rejects_uri}/{rejects}", "columns": len(_columns_of(found))}
        _check_ratio(config, report)
    report.details["parquet"] = [f"{config.output_uri}/{name}" for name in names]


def _manifest(uri: str, now: datetime) -> Manifest:
    """The manifest, with the id and date of its place if it has none of its own."""
    folder, _, name = uri.rpartition("/")
    manifest = read_manifest(Folder(folder).read(name), uri)
    day = manifest.date_prefix or next(filter(_is_date, reversed(folder.split("/"))), f"{now:%Y-%m-%d}")
    return replace(manifest, id=manifest.id or name.partition(".")[0], date_prefix=day)


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _first_columns(files: Sequence[SourceFile]) -> tuple[str, ...]:
    """The columns of the first lines of the files: most likely all that there are."""
    columns = Columns()
    size = max(SAMPLE_BYTES // len(files), READ_BYTES // 8)
    with ThreadPoolExecutor(SAMPLE_THREADS) as pool:
        for names in pool.map(partial(_names_at_start, size), files):
            columns.add(names)
    return columns.names


def _names_at_start(size: int, file: SourceFile) -> tuple[str, ...]:
    """The columns of the lines in the first bytes of a file, unpacked; none if it is gone."""
    data = b""
    try:
        with opened(file) as stream:
            for piece in contents(stream, stream.read(min(size, READ_BYTES))):
                data += piece if isinstance(piece, bytes) else b""
                if len(data) >= size:
                    break
    except SourceGoneError:
        return ()
    return read_block(Block(data[:size], 1), ADDED).names  # the line that is cut is none of the records


def _results(tasks: Sequence[PartTask], config: ConversionConfig, scratch: Path, report: RunReport) -> list[PartResult]:
    """The results by part; if other columns turn up than the tasks know, all is done again with these."""
    with report.step("parts"):
        found = _run(tasks, config, scratch, report)
    columns = _columns_of(found)
    if columns != tasks[0].columns:
        with report.step("parts with all columns"):
            found = _run([replace(task, columns=columns) for task in tasks], config, scratch, report)
    return found


def _run(tasks: Sequence[PartTask], config: ConversionConfig, scratch: Path, report: RunReport) -> list[PartResult]:
    found: dict[int, PartResult] = {}
    for result in results(WORK, tasks, scratch, config.processes, config.on_spark):
        found[result.part] = result
        report.progress("parts", len(found), len(tasks), "parts")
    return [found[part] for part in sorted(found)]


def _columns_of(found: Sequence[PartResult]) -> tuple[str, ...]:
    columns = Columns()
    for result in found:
        columns.add(result.columns)
    return columns.names


def _count(report: RunReport, files: Sequence[SourceFile], found: Sequence[PartResult]) -> None:
    """Adds what became of the lines of each file to the report."""
    counts = [FileCount(index) for index in range(len(files))]
    for count in (count for result in found for count in result.counts):
        whole = counts[count.index]
        whole.read += count.read
        whole.rejected += count.rejected
        whole.gone = whole.gone or count.gone
    report.rows_in = sum(count.read for count in counts)
    report.rows_rejected = sum(count.rejected for count in counts)
    report.rows_out = report.rows_in - report.rows_rejected
    report.details["files_gone"] = sum(count.gone is not None for count in counts)
    report.details["files"] = [_entry(file, count) for file, count in zip(files, counts, strict=True)]


def _entry(file: SourceFile, count: FileCount) -> dict[str, Any]:
    written = count.read - count.rejected
    entry = {"file": file.uri, "read": count.read, "written": written, "rejected": count.rejected}
    return entry | ({"gone": count.gone} if count.gone else {})


def _check_ratio(config: ConversionConfig, report: RunReport) -> None:
    rejected, read = report.rows_rejected, report.rows_in
    if rejected > config.max_rejected_ratio * read:
        raise RejectedRatioError(
            f"{rejected:,} of {read:,} lines are no records, more than {config.max_rejected_ratio:.2%}: "
            f"{report.details['rejects']} has them with their reasons",
            "Mend them, or give a greater --max-rejected-ratio",
        )
