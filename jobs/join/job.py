"""Joins predictions and features, checks the rows, writes `prediction_join`, and publishes it."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts import join_features
from common.errors import InputError
from common.lake.learning import day_of_project
from common.lake.window_files import window_files
from common.lake.window_status import SCORED, whole_windows
from common.runtime.context import StageRun
from common.storage.scratch import writing
from common.windows import Windows
from jobs.join.config import JoinConfig
from jobs.join.parquet import in_order
from jobs.join.publication import publisher
from jobs.join.staging import TABLE, Stage, alerts_in, revisions_of
from jobs.join.transform import FROM_A, FROM_C, KEYS, Matches, join_predictions


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
    with stage.report.step(TABLE), writing(lake.uri, TABLE), window_files(lake, TABLE, windows) as files:
        alerts = 0
        for rows in _joined(config, stage):
            files.add(rows)
            alerts += alerts_in(rows)
        files.flush()
        version = lake.replace_files(TABLE, files.actions, windows)
    stage.report.rows_out = files.rows
    stage.report.details["alerts"] = alerts
    stage.report.wrote(TABLE, version, files.rows)
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
    with stage.report.step("stage"):
        rows = pa.concat_tables(_joined(config, stage))
        staged.write(rows, revisions_of(statuses), {})
    stage.report.rows_out = len(rows)


def _learning(stage: StageRun) -> dict[str, str]:
    """What a project without predictions still learns."""
    if stage.lake.exists("predictions"):
        return {}
    return {"model": f"{day_of_project(stage.lake, stage.project)}: nothing is scored yet, so nothing is published"}


def _joined(config: JoinConfig, stage: StageRun) -> Iterator[pa.Table]:
    """The rows of the windows, day by day; after the last, it is checked that they are right."""
    lake, horizon = stage.lake, stage.project.model_horizon
    from_a, from_c = join_features(stage.spec)
    found = Matches()
    for day in config.windows.by_day():
        current = lake.arrow("fg_a", [*KEYS, *FROM_A, *from_a], day)
        deviations = lake.arrow("fg_c", [*KEYS, *FROM_C, *from_c], day)
        deviations = deviations.filter(pc.equal(deviations["baseline_horizon"], horizon))
        predictions = lake.arrow("predictions", windows=day)
        rows, matched = join_predictions(predictions, current, deviations, stage.spec, config.project_name)
        found.add(matched)
        yield rows
    stage.report.rows_in = found.predictions
    _check(found, config.windows)


def _check(found: Matches, windows: Windows) -> None:
    """Checks that each prediction has exactly one row with features of both tables.

    Raises:
        InputError: it has not.
    """
    count = found.predictions
    if not count:
        raise InputError(f"predictions has no rows in {windows}", "Run ndr-inference for these windows first")
    if found.rows != count or found.records != count:
        raise InputError(
            f"{count:,} predictions in {windows} give {found.rows:,} rows with {found.records:,} distinct ids",
            "Rebuild these windows of fg_a, fg_c and predictions: one of them has a host twice in a window",
        )
    for name, matched in (("fg_a", found.fg_a), ("fg_c", found.fg_c)):
        if matched != count:
            raise InputError(
                f"{count - matched:,} of {count:,} predictions in {windows} have no row in {name}",
                f"Run ndr-inference again: {name} was rebuilt after the predictions",
            )
