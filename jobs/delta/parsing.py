"""Input parsed in parts, each of which stages its records in files of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from common.config.project import ProjectParameters
from common.contracts.types import Table
from common.logs import LogFiles, ReadOptions
from common.logs.file_parts import FilePart, divided, lines_in, numbered
from common.logs.packing import PIECE_BYTES
from common.logs.reading import may_divide, read_parts
from common.privacy.masking import mask_of
from common.runtime.context import StageRun
from common.runtime.output import progress
from common.runtime.parts import by_threads, each_part
from jobs.delta.placement import Placement
from jobs.delta.sessions import TABLE
from jobs.delta.staged import StagedPart
from jobs.delta.staging import Staging

BYTES_PER_PART = 64 * PIECE_BYTES
"""As stored."""

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]
"""Does the same work on each part, and gives the results in the order of the parts."""


@dataclass(frozen=True)
class Parsing:
    """The work on a part of the input: its records, staged in files at a location.

    `threads` parse it; with several, `total_bytes` says how many bytes there are, for the progress.
    """

    options: ReadOptions
    placement: Placement
    project: ProjectParameters
    table: Table
    location: str
    threads: int = 1
    total_bytes: int = 0

    def __call__(self, inputs: Sequence[FilePart]) -> StagedPart:
        """The files and counts.

        Raises:
            InputError: a file cannot be opened.
            FormatError: its format is unknown, or is not the one that was named.
            PseudonymKeyError: the keys of the project's pseudonyms cannot be used.
        """
        done = 0

        def count(size: int) -> None:
            nonlocal done
            done += size
            if self.threads > 1:
                progress(done, self.total_bytes, "bytes")

        lateness, mask = timedelta(minutes=self.project.allowed_lateness_minutes), mask_of(self.project)
        with Staging(self.location, self.table, self.placement, lateness, inputs, mask=mask) as staging:
            for batch in read_parts(inputs, self.options, self.threads, count):
                staging.add(batch)
        return staging.staged()


def parsed(
    stage: StageRun, logs: LogFiles, options: ReadOptions, placement: Placement, location: str
) -> Iterator[StagedPart]:
    """The parts of the input, in its order, with their files at the location.

    Workers of a cluster that may share only the lake read no local files: then, the parts are parsed here.
    """
    is_shared = not stage.lake.is_remote or all(path.startswith("s3://") for path in logs.paths)
    run = partial(each_part, stage.engine) if stage.engine.is_cluster and is_shared else by_threads
    inputs = _inputs(logs, options, run)
    stage.report.bytes_in = logs.stored_bytes
    threads = 1 if len(inputs) > 1 else os.cpu_count() or 1
    table = stage.lake.table(TABLE)
    return run(Parsing(options, placement, stage.project, table, location, threads, logs.stored_bytes), inputs)


def _inputs(logs: LogFiles, options: ReadOptions, run: Run) -> list[list[FilePart]]:
    """The files in parts of about `BYTES_PER_PART`: small ones together, and large plain ones divided."""
    files = [part for path in logs.paths for part in _parts_of(path, logs.sizes[path], options)]
    counted = [part for part in files if part.end is not None]
    lines = dict(zip(counted, run(lines_in, counted), strict=True)) if counted else {}
    inputs: list[list[FilePart]] = []
    waiting = 0
    for part in numbered(files, [lines.get(part, 0) for part in files]):
        size = (logs.sizes[part.path] if part.end is None else part.end) - part.begin
        if not inputs or waiting + size > BYTES_PER_PART:
            inputs.append([])
            waiting = 0
        inputs[-1].append(part)
        waiting += size
    return inputs


def _parts_of(path: str, size: int, options: ReadOptions) -> list[FilePart]:
    is_large = size >= 2 * BYTES_PER_PART and may_divide(path, options)
    return divided(path, size, BYTES_PER_PART) if is_large else [FilePart(path)]
