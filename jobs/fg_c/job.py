"""Reads FG-A, pair counts and baselines, computes deviations, and writes `fg_c`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import InputError, TableError
from common.lake.host_ranges import host_ranges
from common.lake.lake import Lake
from common.lake.learning import day_of
from common.lake.publications import Publication, publications
from common.runtime.context import StageRun
from common.runtime.part_files import replace_by_parts
from common.windows import Windows
from jobs.fg_c.config import DeviationConfig, baseline_months, bounded_parts
from jobs.fg_c.parts import Deviations, Part
from jobs.fg_c.transform import check_computations

BASELINE_TABLES = ("fg_b/host", "fg_b/segment", "fg_b/pair/host")


@dataclass(frozen=True)
class _Extent:
    """The extent of FG-A: its rows by window key, their hosts, and the time bands."""

    rows: Counter[str]
    hosts: list[str]
    time_bands: tuple[str, ...]

    def parts(self, windows: Windows, publications: Sequence[Publication], most_rows: int) -> Iterator[Part]:
        """The parts of windows that are compared with the same baselines."""
        for part in bounded_parts(windows, self.rows, most_rows):
            weight = -(-sum(self.rows[window.key] for window in part) // len(self.hosts))
            weights = np.full(len(self.hosts), weight)
            yield from (Part(part, hosts, publications) for hosts in host_ranges(self.hosts, weights, most_rows))


def run(config: DeviationConfig, stage: StageRun) -> None:
    """Replaces the windows of `fg_c`, every horizon of them, in one commit."""
    lake, report = stage.lake, stage.report
    check_computations(stage.spec)
    with report.step("baselines"):
        extent = _extent(lake, config.windows)
        published = publications(lake, config.feature_spec_version)
        months_of = _months(stage, published)
        chosen = list(baseline_months(config.windows, months_of, config.baseline_month))
        runs = [(windows, _checked(lake, [published[entry] for entry in months.items()])) for windows, months in chosen]
    parts = [part for windows, found in runs if found for part in extent.parts(windows, found, config.part_rows)]
    with lake.journal.run("fg_c", config.windows), report.step("fg_c"):
        work = Deviations(lake, extent.time_bands)
        report.rows_out = replace_by_parts(stage, "fg_c", config.windows, work, parts)
    report.rows_in = extent.rows.total()
    report.learns(_lacking(stage, [set(months) for _, months in chosen]))
    report.details["baselines"] = [
        {
            "window": str(windows),
            "horizon": publication.horizon,
            "month": publication.month,
            "publication_id": publication.publication_id,
        }
        for windows, found in runs
        for publication in found
    ]


def _extent(lake: Lake, windows: Windows) -> _Extent:
    columns = ["window", "time_band", "host_ip"]
    rows = lake.arrow("fg_a", columns, windows, coded=columns)
    if not rows:
        raise InputError(
            f"table fg_a in {lake.uri} has no rows for {windows}", f"Run ndr-fg-a --window {windows} first"
        )
    texts = {name: rows[name].cast(pa.string()) for name in columns}
    counted = pc.value_counts(texts["window"]).to_pylist()
    return _Extent(
        Counter({entry["values"]: entry["counts"] for entry in counted}),
        sorted(texts["host_ip"].unique().to_pylist()),
        tuple(sorted(texts["time_band"].unique().to_pylist())),
    )


def _months(stage: StageRun, published: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The published months of each horizon of the project."""
    horizons = stage.project.baseline_horizons(stage.spec)
    return {name: [month for horizon, month in published if horizon == name] for name in horizons}


def _lacking(stage: StageRun, found: Sequence[set[str]]) -> dict[str, str]:
    """The horizons that some windows have no baseline of, with the day of the project's history."""
    return {
        name: f"{day_of(stage.lake, horizon)}: no baseline yet, so no deviations; ndr-fg-b makes it"
        for name, horizon in stage.project.baseline_horizons(stage.spec).items()
        if not all(name in names for names in found)
    }


def _checked(lake: Lake, chosen: Sequence[Publication]) -> tuple[Publication, ...]:
    """These publications, whose baselines are there.

    Raises:
        TableError: a table has no rows of one.
    """
    for table in BASELINE_TABLES:
        present = lake.partitions(table)
        for publication in chosen:
            if publication.partition not in present:
                raise TableError(
                    f"table {table} in {lake.uri} has no rows of horizon {publication.horizon} for month "
                    f"{publication.month}, publication {publication.publication_id}",
                    f"Run ndr-fg-b --month {publication.month} again",
                )
    return tuple(chosen)
