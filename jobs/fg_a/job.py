"""Reads slices and pair history, computes FG-A, and writes `fg_a`."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.errors import TableError
from common.stage import StageConfig, StageRun
from jobs.fg_a.features import Definition, kernel
from jobs.fg_a.frames import FEED_COLUMNS, history_feed, host_feed, pair_feed
from jobs.fg_a.history import pair_history
from jobs.fg_a.timeline import Timeline

PARTITIONS = 16


def run(config: StageConfig, stage: StageRun) -> None:
    """Replaces the windows of `fg_a` in one commit."""
    timeline = Timeline(config.windows, stage.spec.window_labels, stage.spec.lookback_days)
    current = stage.lake.read("delta_host", config.windows)
    hosts = current.select("host_ip").distinct()
    if not hosts.limit(1).count():
        raise TableError(
            f"table delta_host has no slice in {config.windows}", "Run ndr-delta for it first, or check --window"
        )
    feed = _feed(stage, timeline, hosts)
    definition = Definition(timeline, stage.spec, stage.project, stage.lake.table("fg_a"))
    features = feed.repartition(PARTITIONS, "host_ip").mapInArrow(kernel(definition), stage.lake.table("fg_a").ddl)
    with stage.report.step("fg_a"):
        version, rows = stage.lake.replace("fg_a", features, config.windows.predicate)
    stage.report.rows_in = stage.lake.read("delta_host", timeline.history).count()
    stage.report.rows_out = rows
    stage.report.wrote("fg_a", version, rows)


def _feed(stage: StageRun, timeline: Timeline, hosts: DataFrame) -> DataFrame:
    """Everything that the kernel needs of the hosts that are active in the run's windows."""
    lake = stage.lake
    parts = [
        host_feed(lake.read("delta_host", timeline.history), stage.spec, timeline),
        pair_feed(lake.read("delta_pair", timeline.history), timeline),
    ]
    history = pair_history(stage, timeline)
    if history is not None:
        parts.append(history_feed(history, timeline))
    kept = [part.join(F.broadcast(hosts), "host_ip", "left_semi").select(*FEED_COLUMNS) for part in parts]
    feed = kept[0]
    for part in kept[1:]:
        feed = feed.unionByName(part)
    return feed
