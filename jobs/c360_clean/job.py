"""Reads days of the archive, and writes their rows as Parquet and the rows that are none as rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

from common.c360.datasets import DATASETS, Dataset
from common.c360.partitions import CleanSource, Partition, partition_days, publish
from common.c360.zones import load_folder, rejects_name
from common.errors import InputError, NdrError, RejectedRatioError
from common.ndjson.sources import SourceGoneError, may_be_split
from common.ndjson.spans import Span, spans_by_part
from common.runtime.drivers import Work, results
from common.runtime.run_report import RunReport
from common.storage.files import Folder
from common.storage.places import place, remove_dead_places
from common.storage.plain_paths import temporary_base
from jobs.c360_clean.archive import Archive, ArchivedFile, has_changed, sources
from jobs.c360_clean.config import BYTES_PER_PART, CleaningConfig
from jobs.c360_clean.part import (
    CleanSpan,
    LinesResult,
    LinesTask,
    Lost,
    PartResult,
    PartTask,
    SpanCount,
    count_lines,
    write_part,
)
from jobs.c360_clean.rejects import write_rejects

STAGE = "c360-clean"
PARTS = Work(write_part, PartResult, STAGE)
LINES = Work(count_lines, LinesResult, STAGE)


class CountError(NdrError):
    """Rows were neither kept nor rejected, or both."""


def run(config: CleaningConfig) -> None:
    """Writes the partitions and rejects of the days, and prints the run report.

    Raises:
        InputError: there is no archive, or a file of it cannot be read.
        RejectedRatioError: too many rows of a dataset's day are none; its rejects are written then, and its partition
            stays as it was. The others are done.
        CountError: the rows that were kept and rejected are not those that were read.
    """
    report = RunReport(STAGE, engine="spark" if config.on_spark else None)
    report.details |= {"archive": config.archive_uri, "clean": config.clean_uri, "partitions": []}
    archive, clean = Archive(config.archive_uri), Folder(config.clean_uri)
    archive.require()
    remove_dead_places(temporary_base())
    errors = []
    for dataset in DATASETS.values():
        cleaned_before = partition_days(clean, dataset.name)
        for day in (*config.late, *config.days):
            entries = archive.list(f"{dataset.name}/{day}")
            if day < config.first and not has_changed(clean, dataset.name, day, entries):
                continue
            if entries or day in cleaned_before:
                try:
                    _clean(config, archive, dataset, day, sources(dataset.name, entries), report)
                except RejectedRatioError as error:
                    errors.append(error)
    if errors:
        raise errors[0]
    report.show()


def _clean(
    config: CleaningConfig,
    archive: Archive,
    dataset: Dataset,
    day: date,
    found: Sequence[CleanSource],
    report: RunReport,
) -> None:
    """Replaces the partition of a day by what its files hold now."""
    clean = Folder(config.clean_uri)
    with place(temporary_base(), STAGE) as scratch, report.step(load_folder(dataset.name, day)):
        files = [archive.file(dataset.name, source) for source in found]
        try:
            done = _results(config, dataset, day, files, scratch, report)
        except SourceGoneError as error:
            raise InputError(f"a file of the archive has changed: {error}", "Nothing may replace its files") from None
        counts = _counts(len(files), done)
        rejects = rejects_name(dataset.name, day)
        write_rejects(clean, rejects, [source.name for source in found], done, scratch)
        counted = tuple(
            replace(source, read=count.read, kept=count.kept, rejected=count.rejected)
            for source, count in zip(found, counts, strict=True)
        )
        partition = Partition(dataset.name, day, tuple(one.file for one in done if one.file), counted, report.run_id)
        _tell(config, partition, done, report)
        _check(config, partition, f"{clean.uri}/{rejects}")
        publish(clean, partition)


def _results(
    config: CleaningConfig, dataset: Dataset, day: date, files: Sequence[ArchivedFile], scratch: Path, report: RunReport
) -> list[PartResult]:
    if not files:
        return []
    sizes = [file.source.bytes for file in files]
    parts = -(-sum(sizes) // BYTES_PER_PART) if dataset.format == "ndjson" else 1
    spans = spans_by_part([file.file for file in files], sizes, parts, may_be_split)
    first_lines = _first_lines(config, [span for part in spans for span in part], scratch)
    folder = load_folder(dataset.name, day)
    tasks = []
    for part, ours in enumerate(spans):
        clean_spans = [
            CleanSpan(span, files[span.index].source.name, files[span.index].delivered,
                      first_lines.get((span.index, span.begin), 1))
            for span in ours
        ]  # fmt: skip
        tasks.append(PartTask(part, dataset.name, clean_spans, config.clean_uri, folder))
    found: dict[int, PartResult] = {}
    for result in results(PARTS, tasks, scratch, config.processes, config.on_spark):
        found[result.part] = result
        report.progress(folder, len(found), len(tasks), "parts")
    return [found[part] for part in sorted(found)]


def _first_lines(config: CleaningConfig, spans: Sequence[Span], scratch: Path) -> dict[tuple[int, int], int]:
    """The number of the first line of each span of the files that are split, by file and first byte."""
    split = [span for span in spans if span.end is not None]
    tasks = [LinesTask(number, span) for number, span in enumerate(split)]
    lines = {done.part: done.lines for done in results(LINES, tasks, scratch, config.processes, config.on_spark)}
    found: dict[tuple[int, int], int] = {}
    before: Counter[int] = Counter()
    for number, span in enumerate(split):
        found[span.index, span.begin] = before[span.index] + 1
        before[span.index] += lines[number]
    return found


def _counts(files: int, done: Sequence[PartResult]) -> list[SpanCount]:
    """What became of the rows of each file."""
    counts = [SpanCount(index) for index in range(files)]
    for count in (count for result in done for count in result.counts):
        whole = counts[count.index]
        whole.read += count.read
        whole.kept += count.kept
        whole.rejected += count.rejected
    return counts


def _tell(config: CleaningConfig, partition: Partition, done: Sequence[PartResult], report: RunReport) -> None:
    """Adds a partition to the report."""
    unknown: Counter[str] = Counter()
    lost: dict[str, Lost] = {}
    for result in done:
        unknown.update(result.unknown)
        for column, found in result.not_normalised.items():
            lost.setdefault(column, Lost()).add(found.count, found.examples)
    entry: dict[str, Any] = {
        "dataset": partition.dataset,
        "load_date": str(partition.load_date),
        "files": [asdict(source) for source in partition.sources],
        "parquet": [f"{config.clean_uri}/{name}" for name in partition.names],
        "unknown_columns": dict(unknown),
        "not_normalised": {column: asdict(found) for column, found in sorted(lost.items())},
    }
    report.details["partitions"].append(entry)
    report.rows_in += sum(source.read for source in partition.sources)
    report.rows_out += sum(source.kept for source in partition.sources)
    report.rows_rejected += sum(source.rejected for source in partition.sources)


def _check(config: CleaningConfig, partition: Partition, rejects_uri: str) -> None:
    """Checks that each row is kept or rejected, and that not too many are rejected."""
    where = f"{partition.dataset} of {partition.load_date}"
    for source in partition.sources:
        if source.read != source.kept + source.rejected:
            raise CountError(
                f"{source.name} of {where}: {source.read:,} rows read, but {source.kept:,} kept and "
                f"{source.rejected:,} rejected",
                "Report this defect, with the file",
            )
    read, rejected, kept = (
        sum(getattr(source, name) for source in partition.sources) for name in ("read", "rejected", "kept")
    )
    if kept != partition.rows:
        raise CountError(f"{where}: {kept:,} rows kept, but {partition.rows:,} written", "Run the job again")
    if rejected > config.max_rejected_ratio * read:
        raise RejectedRatioError(
            f"{rejected:,} of {read:,} rows of {where} are rejected, more than {config.max_rejected_ratio:.2%}: "
            f"{rejects_uri} has them with their reasons",
            "Mend them, or give a greater --max-rejected-ratio",
        )
