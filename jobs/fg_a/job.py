"""Reads slices and pair history, computes FG-A, and writes `fg_a`."""

from __future__ import annotations

from math import ceil

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.errors import TableError
from common.runtime.chunked_replace import replace_in_chunks
from common.runtime.context import StageConfig, StageRun
from common.windows import Windows
from jobs.fg_a.features import Definition
from jobs.fg_a.frames import FEED_COLUMNS, history_feed, host_feed, pair_feed
from jobs.fg_a.history import pair_history
from jobs.fg_a.kernel import kernel
from jobs.fg_a.timeline import Timeline

MOST_PARTITIONS = 16
SLICES_PER_PARTITION = 2_000


def run(config: StageConfig, stage: StageRun) -> None:
    """Replaces the windows of `fg_a` in one commit.

    A range is computed day by day, which bounds the time axis and memory.
    """
    _require_slices(config.windows, stage)
    days = config.windows.by_day()
    with stage.lake.journal.run("fg_a", config.windows):
        stage.report.rows_out = replace_in_chunks(
            stage, "fg_a", config.windows, days, lambda day: _features(day, stage, _partitions(len(days), stage))
        )


def _require_slices(windows: Windows, stage: StageRun) -> None:
    stage.report.rows_in = stage.lake.read("delta_host", windows).count()
    if not stage.report.rows_in:
        raise TableError(f"table delta_host has no slice in {windows}", "Run ndr-delta for it first, or check --window")


def _partitions(days: int, stage: StageRun) -> int:
    """How many partitions a day is computed in: each ends in a file, which is expensive for so many columns."""
    return min(MOST_PARTITIONS, ceil(stage.report.rows_in / days / SLICES_PER_PARTITION))


def _features(windows: Windows, stage: StageRun, partitions: int) -> DataFrame:
    """The rows of `fg_a` in windows of one day."""
    timeline = Timeline(windows, stage.spec.window_labels, stage.spec.lookback_days)
    definition = Definition(timeline, stage.spec, stage.project, stage.lake.table("fg_a"))
    feed = _feed(stage, timeline).repartition(partitions, "host_ip")
    return feed.mapInArrow(kernel(definition), stage.lake.table("fg_a").ddl)


def _feed(stage: StageRun, timeline: Timeline) -> DataFrame:
    """The kernel's feed for the hosts that are active in the run's windows."""
    lake = stage.lake
    hosts = lake.read("delta_host", timeline.windows).select("host_ip").distinct()
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
