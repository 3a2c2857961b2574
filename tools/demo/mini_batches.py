"""The mini-batches of single windows, in the form a log collector delivers them."""

from __future__ import annotations

import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.contracts.session import PARSED_SCHEMA, SESSION_COLUMNS
from common.logs import ReadOptions, find_logs, read_files
from common.windows import Windows, iso, parse_moment
from tools.demo.scenario import find_scenario

ORGANISATION = "demo/office"
SESSION_NAMES = [column.name for column in SESSION_COLUMNS]


@dataclass(frozen=True)
class MiniBatch:
    """The files of one window by name, and their folder in the bucket."""

    window: Windows
    folder: str
    files: dict[str, bytes]

    @property
    def organisation(self) -> str:
        """The `<org1>/<org2>` part of the folder."""
        return "/".join(self.folder.split("/")[-6:-4])


def mini_batches(inputs: Sequence[str], live: Windows, log_time_zone: str | None) -> list[MiniBatch]:
    """The mini-batch of each live window with logs: the folders of a scenario, else cut from the logs."""
    if scenario := find_scenario(inputs):
        return _of_scenario(scenario.folder, scenario.description["batches"], live)
    return _cut(inputs, live, log_time_zone)


def _of_scenario(root: Path, listed: Sequence[dict[str, str]], live: Windows) -> list[MiniBatch]:
    folders = {parse_moment(entry["window_start"]): entry["path"] for entry in listed}
    found = []
    for window in live:
        if folder := folders.get(window.start):
            files = {path.name: path.read_bytes() for path in sorted((root / folder).iterdir())}
            found.append(MiniBatch(window, folder, files))
    return found


def _cut(inputs: Sequence[str], live: Windows, log_time_zone: str | None) -> list[MiniBatch]:
    options = ReadOptions(time_zone=log_time_zone or "UTC")
    parts: dict[Windows, list[pa.RecordBatch]] = defaultdict(list)
    for batch in read_files(find_logs(inputs, options).paths, options, threads=os.cpu_count() or 1):
        sessions = batch.sessions.cast(PARSED_SCHEMA)
        kept = sessions.filter(pc.equal(sessions.column("status"), "kept")).select(SESSION_NAMES)
        ends = kept.column("end_ts")
        for window in live:
            inside = pc.and_(pc.greater_equal(ends, pa.scalar(window.start)), pc.less(ends, pa.scalar(window.end)))
            if (rows := kept.filter(inside)).num_rows:
                parts[window].append(rows)
    return [_parquet_batch(window, parts[window]) for window in live if parts[window]]


def _parquet_batch(window: Windows, parts: Sequence[pa.RecordBatch]) -> MiniBatch:
    content = io.BytesIO()
    pq.write_table(pa.Table.from_batches(parts), content)
    name = hashlib.sha256(f"{ORGANISATION}/{iso(window.start)}".encode()).hexdigest()[:16]
    folder = f"{ORGANISATION}/{window.end:%Y/%m/%d}/{name}"
    return MiniBatch(window, folder, {"part-00000.parquet": content.getvalue()})
