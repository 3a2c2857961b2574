"""Reads logs, writes canonical sessions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.session import PARSED_SCHEMA, REJECT_SCHEMA, SESSION_COLUMNS, SOURCE_COLUMNS
from common.contracts.types import arrow_schema
from common.errors import InputError, RejectedRatioError
from common.logs import Counts, LogFiles, find_logs, mark_duplicates, read_files
from common.runtime.output import progress
from common.runtime.rows import print_rows
from tools.parse.config import ParseConfig
from tools.parse.sample import sample
from tools.parse.stats import Stats, text
from tools.parse.writers import Writer, file_output, standard_output

KEPT_SCHEMA = arrow_schema((*SESSION_COLUMNS, *SOURCE_COLUMNS))


def run(config: ParseConfig) -> dict[str, Any]:
    """Parses the inputs; returns the counts, the number of files, the skipped files and the holes.

    Raises:
        InputError: an input is missing or has no records.
        FormatError: the format of an input is unknown.
        RejectedRatioError: too many records were rejected; the rejects are written, the sessions file is not.
    """
    logs = find_logs(config.inputs, config.options)
    counts, stats = Counts(holes=list(logs.unreadable)), Stats() if config.stats else None
    rejects = file_output(config.rejects, REJECT_SCHEMA) if config.rejects else nullcontext(None)
    with _output(config) as output:
        with rejects as rejects_output:
            sessions = mark_duplicates(_sessions(config, logs, counts, rejects_output, stats))
            kept = _kept(config, sessions, counts)
            if config.sample is not None:
                kept = sample(kept, config.sample)
            if stats is not None:
                for batch in kept:
                    stats.add(batch)
                _print_stats(stats.summary(logs, counts), config.form)
            elif output is None:
                print_rows((row for batch in kept for row in batch.to_pylist()), config.form, _schema(config).names)
            else:
                for batch in kept:
                    output.write_batch(batch)
        _check(counts, config)
    return (
        counts.of_records()
        | counts.of_kinds()
        | counts.of_holes()
        | {
            "others": dict(counts.others),
            "zones": dict(counts.zones),
            "files": len(logs.paths),
            "skipped": [{"file": path, "reason": reason} for path, reason in logs.skipped],
            "holes": [asdict(hole) for hole in counts.holes],
            "incomplete_reason": counts.incomplete_reason,
        }
    )


def _print_stats(summary: dict[str, Any], form: str) -> None:
    indent = {"json": 1, "ndjson": None}
    click.echo(json.dumps(summary, indent=indent[form]) if form in indent else text(summary), nl=form in indent)


def _output(config: ParseConfig) -> AbstractContextManager[Writer | None]:
    """The writer of the sessions; None if they are printed in another form than NDJSON."""
    if config.out is None:
        return standard_output() if config.form == "ndjson" and not config.stats else nullcontext(None)
    return file_output(config.out, _schema(config))


def _schema(config: ParseConfig) -> pa.Schema:
    return PARSED_SCHEMA if config.include_all else KEPT_SCHEMA


def _sessions(
    config: ParseConfig, logs: LogFiles, counts: Counts, rejects: Writer | None, stats: Stats | None
) -> Iterator[pa.RecordBatch]:
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        progress(done, logs.stored_bytes, "bytes")

    for batch in read_files(logs.paths, config.options, config.threads, count):
        counts.add(batch)
        if rejects is not None:
            rejects.write_batch(batch.rejects)
        if stats is not None:
            stats.add_rejects(batch.rejects)
        yield batch.sessions.cast(PARSED_SCHEMA)


def _kept(config: ParseConfig, batches: Iterable[pa.RecordBatch], counts: Counts) -> Iterator[pa.RecordBatch]:
    """The sessions to write; counts all of them."""
    for sessions in batches:
        _count(sessions, counts)
        yield _chosen(sessions, config.include_all)


def _count(sessions: pa.RecordBatch, counts: Counts) -> None:
    for entry in pc.value_counts(sessions.column("status")).to_pylist():
        setattr(counts, entry["values"], getattr(counts, entry["values"]) + entry["counts"])


def _chosen(sessions: pa.RecordBatch, include_all: bool) -> pa.RecordBatch:
    if include_all:
        return sessions
    return sessions.filter(pc.equal(sessions.column("status"), "kept")).select(KEPT_SCHEMA.names)


def _check(counts: Counts, config: ParseConfig) -> None:
    if counts.read == 0:
        raise InputError(f"no records in {', '.join(config.inputs)}", "Check the input")
    if counts.unexplained_rejects > config.max_rejected_ratio * counts.read:
        raise RejectedRatioError(
            f"{counts.unexplained_rejects} of {counts.read} records were rejected, more than max_rejected_ratio "
            f"{config.max_rejected_ratio:g}",
            f"See {config.rejects}" if config.rejects else "See them with --rejects FILE",
        )
