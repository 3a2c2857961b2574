"""Builds the tables of a snapshot in an engine's session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.c360.manifest import SnapshotManifest
from common.runtime.engine import open_engine
from common.runtime.run_report import RunReport
from common.storage.files import Folder
from common.storage.scratch import left_by_the_dead, scratch_folder, shared_scratch
from jobs.c360_staging.config import StagingConfig
from jobs.c360_staging.inputs import Inputs
from jobs.c360_staging.publication import check_keys
from jobs.c360_staging.rows import Rows
from jobs.c360_staging.tables import Tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def built(config: StagingConfig, inputs: Inputs, report: RunReport) -> SnapshotManifest:
    """The manifest of the tables, which are written.

    Raises:
        ShrinkError: there are far fewer customers or plans than in the accepted snapshot before.
    """
    with left_by_the_dead(config.staging_uri) as places:
        for place in places:
            place.remove()
    with _scratch(config) as scratch, _session(config) as session:
        rows = Rows(config, inputs, session, scratch, report)
        made = Tables(config, inputs, rows, report)
        tables = {name: made.latest(name) for name in ("customers", "plans")}
        if not config.accept_shrink:
            check_keys(Folder(config.staging_uri), config.as_of, {name: table.rows for name, table in tables.items()})
        tables |= {"plan_history": made.plan_history(), "activity_logs": made.activity_logs()}
    return SnapshotManifest(inputs.run_id, config.as_of, tables, made.counts | rows.counts)


@contextmanager
def _session(config: StagingConfig) -> Iterator[SparkSession]:
    """The session of the engine; in a Glue job on classic Spark that of the job, which stays open."""
    if not (config.in_glue and config.engine == "spark"):
        with open_engine(config.engine, remote_storage=config.is_remote) as session:
            yield session
        return
    from pyspark.sql import SparkSession

    session = SparkSession.builder.appName("c360-staging").getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    yield session


@contextmanager
def _scratch(config: StagingConfig) -> Iterator[str]:
    """A folder for rows that are read again: Sail works in this process, Spark may work on other machines."""
    if config.engine == "sail":
        with scratch_folder(config.staging_uri) as folder:
            yield str(folder)
        return
    with shared_scratch(config.staging_uri, config.engine) as location:
        yield location
