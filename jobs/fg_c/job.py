"""Reads FG-A, pair counts and baselines, computes deviations, and writes `fg_c`."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.errors import InputError, TableError
from common.lake import Lake, equal_predicate
from common.stage import StageRun
from common.windows import Windows
from jobs.fg_c.baselines import BaselineKey
from jobs.fg_c.config import DeviationConfig, baseline_months
from jobs.fg_c.transform import pair_features, with_deviations

if TYPE_CHECKING:
    from collections.abc import Iterator

BASELINE_TABLES = ("fg_b/host", "fg_b/segment", "fg_b/pair/host")


def run(config: DeviationConfig, stage: StageRun) -> None:
    """Replaces the windows of `fg_c`, every horizon of them, in one commit."""
    lake, report = stage.lake, stage.report
    with report.step("baselines"):
        rows, bands = _extent(lake, config.windows)
        chosen = list(_baselines(config, stage, bands))
    with report.step("deviations"):
        frames = [_deviations(stage, windows, key) for windows, key in chosen]
        version, written = lake.replace("fg_c", reduce(DataFrame.unionByName, frames), config.windows.predicate)
    report.rows_in, report.rows_out = rows, written
    report.details["baselines"] = [
        {"window": str(windows), "horizon": key.horizon, "month": key.month} for windows, key in chosen
    ]
    report.wrote("fg_c", version, written)


def _extent(lake: Lake, windows: Windows) -> tuple[int, tuple[str, ...]]:
    """The number of FG-A rows of the windows, and their time bands."""
    found = lake.read("fg_a", windows).groupBy("time_band").agg(F.count("*").alias("rows")).collect()
    if not found:
        raise InputError(
            f"table fg_a in {lake.uri} has no rows for {windows}", f"Run ndr-fg-a --window {windows} first"
        )
    return sum(row["rows"] for row in found), tuple(sorted(row["time_band"] for row in found))


def _baselines(
    config: DeviationConfig, stage: StageRun, bands: tuple[str, ...]
) -> Iterator[tuple[Windows, BaselineKey]]:
    """Each run of windows with the baseline that it is compared with, horizon by horizon."""
    lake, version = stage.lake, config.feature_spec_version
    published = lake.partitions("fg_b/publications")
    for horizon in stage.project.horizons or stage.spec.horizons:
        months = {
            entry["baseline_month"]
            for entry in published
            if (entry["feature_spec_version"], entry["baseline_horizon"]) == (version, horizon)
        }
        for month, windows in baseline_months(config.windows, horizon, months, config.baseline_month):
            key = BaselineKey(lake.uri, version, horizon, month, bands)
            yield windows, key.at_versions(_versions(lake, key))


def _versions(lake: Lake, key: BaselineKey) -> tuple[int, ...]:
    for table in BASELINE_TABLES:
        if key.partition not in lake.partitions(table):
            raise TableError(
                f"table {table} in {lake.uri} has no rows of horizon {key.horizon} for month {key.month}",
                f"Run ndr-fg-b --month {key.month} again",
            )
    return tuple(lake.version(table) for table in BASELINE_TABLES)


def _deviations(stage: StageRun, windows: Windows, key: BaselineKey) -> DataFrame:
    """The `fg_c` rows of these windows."""
    lake = stage.lake
    known = lake.read("fg_b/pair/host", where=equal_predicate(key.partition))
    pairs = pair_features(lake.read("pair_counts", windows), known)
    return with_deviations(lake.read("fg_a", windows), pairs, stage.spec, lake.table("fg_c"), key)
