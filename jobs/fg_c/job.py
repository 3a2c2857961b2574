"""Reads FG-A, pair counts and baselines, computes deviations, and writes `fg_c`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import InputError, TableError
from common.lake.lake import Lake, equal_predicate
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
        runs = [
            (windows, _keys(config, lake, months, extent.time_bands))
            for windows, months in baseline_months(config.windows, _published(config, stage), config.baseline_month)
        ]
    keys_of = {part: keys for windows, keys in runs for part in bounded_parts(windows, extent.rows, config.part_rows)}
    with lake.journal.run("fg_c", config.windows):
        report.rows_out = replace_in_chunks(
            stage, "fg_c", config.windows, list(keys_of), lambda part: _deviations(lake, part, keys_of[part])
        )
    report.rows_in = extent.rows.total()
    report.details["baselines"] = [
        {"window": str(windows), "horizon": key.horizon, "month": key.month} for windows, keys in runs for key in keys
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


def _published(config: DeviationConfig, stage: StageRun) -> dict[str, list[str]]:
    """The published months of each horizon."""
    published: dict[str, list[str]] = {horizon: [] for horizon in stage.project.horizons or stage.spec.horizons}
    for entry in stage.lake.partitions("fg_b/publications"):
        if entry["feature_spec_version"] == config.feature_spec_version and entry["baseline_horizon"] in published:
            published[entry["baseline_horizon"]].append(entry["baseline_month"])
    return published


def _keys(
    config: DeviationConfig, lake: Lake, months: dict[str, str], time_bands: tuple[str, ...]
) -> list[BaselineKey]:
    """The baseline of each horizon, checked to be complete.

    Raises:
        TableError: a table has no rows of it.
    """
    versions = tuple(lake.version(table) if lake.exists(table) else -1 for table in BASELINE_TABLES)
    keys = [
        BaselineKey(lake.uri, config.feature_spec_version, horizon, month, time_bands, versions)
        for horizon, month in months.items()
    ]
    for table in BASELINE_TABLES:
        present = lake.partitions(table)
        for key in keys:
            if key.partition not in present:
                raise TableError(
                    f"table {table} in {lake.uri} has no rows of horizon {key.horizon} for month {key.month}",
                    f"Run ndr-fg-b --month {key.month} again",
                )
    return keys


def _deviations(lake: Lake, windows: Windows, keys: list[BaselineKey]) -> DataFrame:
    """The `fg_c` rows of these windows."""
    counts = lake.read("pair_counts", windows)
    known = [lake.read("fg_b/pair/host", where=equal_predicate(key.partition)) for key in keys]
    pairs = [pair_features(counts, baseline) for baseline in known]
    return with_deviations(lake.read("fg_a", windows), pairs, lake.table("fg_c"), keys)
