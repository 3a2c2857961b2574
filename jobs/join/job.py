"""Joins predictions and features, checks the rows, writes `prediction_join`, and publishes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import InputError
from common.lake.file_numbers import in_files
from common.lake.learning import day_of_project
from common.lake.window_status import SCORED, whole_windows
from common.runtime.context import StageRun
from common.windows import Windows
from jobs.join.config import JoinConfig
from jobs.join.parquet import in_order
from jobs.join.publication import publisher
from jobs.join.staging import TABLE, Stage, revisions_of
from jobs.join.transform import join_predictions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def run(config: JoinConfig, stage: StageRun) -> None:
    """Replaces the windows of `prediction_join` in one commit, then publishes them at the destination.

    Raises:
        InputError: there are no predictions, their features are missing, or they are older than these.
        ParameterError: the project parameters lack the destination; nothing was written.
    """
    lake, windows = stage.lake, config.windows
    publish = publisher(config, stage)
    if learning := _learning(stage):
        stage.report.learns(learning)
        return
    whole_windows(lake, windows, "predictions", SCORED)
    joined = in_files(_joined(config, stage), stage.report.rows_in, lake.table(TABLE))
    with stage.report.step(TABLE):
        version, rows = lake.replace(TABLE, joined, windows)
    stage.report.rows_out = rows
    stage.report.wrote(TABLE, version, rows)
    if publish is not None:
        with stage.report.step(config.destination):
            published = in_order(lake.arrow(TABLE, windows=windows), lake.table(TABLE))
            stage.report.details["publication"] = publish(published)


def run_staged(config: JoinConfig, stage: StageRun) -> None:
    """Stages the rows of the windows under the id of the configuration, for `publish_staged`.

    Raises:
        InputError: there are no predictions, their features are missing, or they are older than these.
    """
    lake, windows = stage.lake, config.windows
    table = lake.table(TABLE)
    staged = Stage(lake, windows, config.staged or "")
    if learning := _learning(stage):
        staged.write(table.arrow.empty_table(), {}, learning)
        stage.report.learns(learning)
        return
    statuses = whole_windows(lake, windows, "predictions", SCORED)
    joined = _joined(config, stage)
    with stage.report.step("stage"):
        rows = joined.toArrow().select(table.column_names).cast(table.arrow)
        staged.write(rows, revisions_of(statuses), {})
    stage.report.rows_out = len(rows)


def _learning(stage: StageRun) -> dict[str, str]:
    """What a project without predictions still learns."""
    if stage.lake.exists("predictions"):
        return {}
    return {"model": f"{day_of_project(stage.lake, stage.project)}: nothing is scored yet, so nothing is published"}


def _joined(config: JoinConfig, stage: StageRun) -> DataFrame:
    """The rows of the windows, checked."""
    lake, windows = stage.lake, config.windows
    predictions = lake.read("predictions", windows)
    current = lake.read("fg_a", windows)
    horizon = F.col("baseline_horizon") == F.lit(stage.project.model_horizon)
    deviations = lake.read("fg_c", windows).where(horizon)
    with stage.report.step("check"):
        joined = join_predictions(predictions, current, deviations, stage.spec, config.project_name)
        stage.report.rows_in = _check(predictions, joined, windows)
    return joined


def _check(predictions: DataFrame, joined: DataFrame, windows: Windows) -> int:
    """The number of predictions, after checking that each has exactly one row with features of both tables."""
    count = int(predictions.count())
    if not count:
        raise InputError(f"predictions has no rows in {windows}", "Run ndr-inference for these windows first")
    found = joined.agg(
        F.count(F.lit(1)).alias("rows"),
        F.countDistinct("record_id").alias("records"),
        F.count("time_band").alias("current"),
        F.count("baseline_horizon").alias("deviations"),
    ).collect()[0]
    if found["rows"] != count or found["records"] != count:
        raise InputError(
            f"{count:,} predictions in {windows} give {found['rows']:,} rows with {found['records']:,} distinct ids",
            "Rebuild these windows of fg_a, fg_c and predictions: one of them has a host twice in a window",
        )
    for name, matched in (("fg_a", found["current"]), ("fg_c", found["deviations"])):
        if matched != count:
            raise InputError(
                f"{count - matched:,} of {count:,} predictions in {windows} have no row in {name}",
                f"Run ndr-inference again: {name} was rebuilt after the predictions",
            )
    return count
