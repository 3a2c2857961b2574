"""Reads FG-A, pair counts and baselines, computes deviations, and writes `fg_c`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import InputError, TableError
from common.lake.lake import Lake, equal_predicate
from common.lake.learning import day_of
from common.lake.publications import Publication, publications
from common.runtime.chunked_replace import replace_in_chunks
from common.runtime.context import StageRun
from common.windows import Windows
from jobs.fg_c.baselines import BaselineKey
from jobs.fg_c.config import DeviationConfig, baseline_months, bounded_parts
from jobs.fg_c.transform import check_computations, pair_features, with_deviations

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BASELINE_TABLES = ("fg_b/host", "fg_b/segment", "fg_b/pair/host")
FILES_AT_A_TIME = 4


@dataclass(frozen=True)
class _Extent:
    """The extent of FG-A: rows by window key, and time bands."""

    rows: Counter[str]
    time_bands: tuple[str, ...]


def run(config: DeviationConfig, stage: StageRun) -> None:
    """Replaces the windows of `fg_c`, every horizon of them, in one commit."""
    lake, report = stage.lake, stage.report
    check_computations(stage.spec)
    with report.step("baselines"):
        extent = _extent(lake, config.windows)
        published = publications(lake, config.feature_spec_version)
        months_of = _months(stage, published)
        chosen = list(baseline_months(config.windows, months_of, config.baseline_month))
        runs = [
            (windows, _keys(lake, [published[entry] for entry in months.items()], extent.time_bands))
            for windows, months in chosen
        ]
    keys_of = {
        part: keys for windows, keys in runs if keys for part in bounded_parts(windows, extent.rows, config.part_rows)
    }
    with lake.journal.run("fg_c", config.windows):
        report.rows_out = replace_in_chunks(
            stage,
            "fg_c",
            config.windows,
            list(keys_of),
            lambda part: _deviations(lake, part, sum(extent.rows[window.key] for window in part), keys_of[part]),
        )
    report.rows_in = extent.rows.total()
    report.learns(_lacking(stage, [set(months) for _, months in chosen]))
    report.details["baselines"] = [
        {
            "window": str(windows),
            "horizon": key.publication.horizon,
            "month": key.publication.month,
            "publication_id": key.publication.publication_id,
        }
        for windows, keys in runs
        for key in keys
    ]


def _extent(lake: Lake, windows: Windows) -> _Extent:
    found = lake.read("fg_a", windows).groupBy("window", "time_band").agg(F.count("*").alias("rows")).collect()
    if not found:
        raise InputError(
            f"table fg_a in {lake.uri} has no rows for {windows}", f"Run ndr-fg-a --window {windows} first"
        )
    rows: Counter[str] = Counter()
    for row in found:
        rows[row["window"]] += row["rows"]
    return _Extent(rows, tuple(sorted({row["time_band"] for row in found})))


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


def _keys(lake: Lake, chosen: Sequence[Publication], time_bands: tuple[str, ...]) -> list[BaselineKey]:
    """The baselines of these publications, checked to be there.

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
    return [BaselineKey(lake.uri, publication, time_bands) for publication in chosen]


def _deviations(lake: Lake, windows: Windows, rows: int, keys: list[BaselineKey]) -> DataFrame:
    """The `fg_c` rows of these windows, which have so many rows in `fg_a`."""
    counts = lake.read("pair_counts", windows)
    known = [lake.read("fg_b/pair/host", where=equal_predicate(key.publication.partition)) for key in keys]
    pairs = [pair_features(counts, baseline) for baseline in known]
    return with_deviations(lake.read("fg_a", windows), rows, pairs, lake.table("fg_c"), keys)
