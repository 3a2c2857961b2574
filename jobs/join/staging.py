"""Joined rows that wait for their publication: files below the lake that no reader of its tables sees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.detection.alerts.terms import ALERT_SCORE
from common.errors import InputError
from common.lake.lake import Lake
from common.lake.window_files import window_files
from common.lake.window_status import SCORED, WindowStatus, whole_windows
from common.runtime.context import StageRun
from common.storage.files import Folder
from common.storage.scratch import writing
from common.windows import Windows
from jobs.join.config import JoinConfig
from jobs.join.parquet import in_order
from jobs.join.publication import publisher

TABLE = "prediction_join"
KEPT = timedelta(days=7)
ABOUT = b"ndr"


class Stage:
    """The joined rows of windows that are staged under an id."""

    def __init__(self, lake: Lake, windows: Windows, staged_as: str) -> None:
        self._folder = Folder(f"{lake.uri}/_staged/{TABLE}")
        self._name = f"{hashlib.sha256(f'{windows} {staged_as}'.encode()).hexdigest()[:32]}.parquet"
        self._what = f"the join of {windows} under the id {staged_as}"

    def write(self, rows: pa.Table, revisions: Mapping[str, str], learning: Mapping[str, str]) -> None:
        """Stages the rows, made of these revisions of the windows' tables; removes stages that nobody published."""
        about = json.dumps({"revisions": revisions, "learning": learning}).encode()
        sink = pa.BufferOutputStream()
        pq.write_table(rows.replace_schema_metadata({ABOUT: about}), sink)
        self._folder.write(self._name, sink.getvalue().to_pybytes())
        for entry in self._folder.list():
            if entry.modified < datetime.now(UTC) - KEPT:
                self._folder.delete(entry.name)

    def read(self) -> tuple[pa.Table, dict[str, str], dict[str, str]]:
        """The rows, the revisions that they were made of, and what the project still learns.

        Raises:
            InputError: nothing is staged.
        """
        if not self._folder.exists(self._name):
            raise InputError(
                f"{self._what} is not staged in {self._folder.uri}",
                "Run ndr-15m --through join for these windows with this --mini-batch-id, or ndr-join without --staged",
            )
        rows = pq.read_table(pa.BufferReader(self._folder.read(self._name)))
        about = json.loads(rows.schema.metadata[ABOUT])
        return rows.replace_schema_metadata(None), about["revisions"], about["learning"]

    def remove(self) -> None:
        """Removes what is staged."""
        self._folder.delete(self._name)


def revisions_of(statuses: Mapping[str, WindowStatus]) -> dict[str, str]:
    """The revisions of features and predictions, by window key."""
    return {key: status.revisions(SCORED) for key, status in statuses.items()}


def publish_staged(config: JoinConfig, stage: StageRun) -> None:
    """Replaces the windows of `prediction_join` by the staged rows, publishes them, and removes the stage; no engine.

    Raises:
        InputError: nothing is staged under the id, or it is older than the predictions.
        ParameterError: the project parameters lack the destination; nothing was written.
    """
    lake, windows = stage.lake, config.windows
    publish = publisher(config, stage)
    staged = Stage(lake, windows, config.staged or "")
    rows, revisions, learning = staged.read()
    if learning:
        stage.report.learns(learning)
    else:
        with stage.report.step("check"):
            if revisions != revisions_of(whole_windows(lake, windows, "predictions", SCORED)):
                raise InputError(
                    f"the join of {windows} that is staged under the id {config.staged} is older than the predictions",
                    "Publish what the last run of these windows staged, or run ndr-join without --staged",
                )
        with stage.report.step(TABLE):
            version = _replaced(lake, rows, windows)
        stage.report.rows_in = stage.report.rows_out = len(rows)
        stage.report.details["alerts"] = alerts_in(rows)
        stage.report.wrote(TABLE, version, len(rows))
        if publish is not None:
            with stage.report.step(config.destination):
                stage.report.details["publication"] = publish(in_order(rows, lake.table(TABLE)))
    staged.remove()


def alerts_in(rows: pa.Table) -> int:
    """How many of the rows alert by their score; what lasts just below it does, too, and is not counted here."""
    return int(pc.sum(pc.greater_equal(rows["anomaly_score"], ALERT_SCORE)).as_py() or 0)


def _replaced(lake: Lake, rows: pa.Table, windows: Windows) -> int:
    with writing(lake.uri, TABLE), window_files(lake, TABLE, windows) as files:
        files.add(rows)
        files.flush()
        return lake.replace_files(TABLE, files.actions, windows)
