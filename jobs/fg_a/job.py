"""Reads slices and pair history, computes FG-A, and writes `fg_a`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from common.coded import encoded
from common.config.project import ProjectParameters
from common.errors import TableError
from common.features.spec import FeatureSpec
from common.lake.reader import LakeReader
from common.lake.table_files import TableFiles, as_rows
from common.runtime.context import StageConfig, StageRun
from common.runtime.part_files import replace_by_parts
from common.windows import Windows
from jobs.fg_a import host_sums, pair_sums, past
from jobs.fg_a.features import Definition, fg_a_rows
from jobs.fg_a.history import update_pair_days
from jobs.fg_a.parts import ROWS_AT_A_TIME, Part, Plan
from jobs.fg_a.timeline import ROLES, Timeline

CELLS_PER_PART = 4_000_000
"""Bounds the hosts of a part by the sums that each has."""
ROWS_PER_PART = 20_000_000
"""On one machine: so few that two parts at a time have 2 GiB; what several parts read costs more than what one does."""
ROWS_PER_TASK = 9_000_000
"""On a cluster, whose workers should all have something to do."""


def run(config: StageConfig, stage: StageRun) -> None:
    """Replaces the windows of `fg_a` in one commit.

    A range is computed day by day, which bounds the time axis, and hosts in parts, which bounds memory.
    """
    hosts = _hosts(config.windows, stage)
    with stage.lake.journal.run("fg_a", config.windows):
        timelines = [_timeline(day, stage.spec) for day in config.windows.by_day()]
        plan = Plan(stage.lake)
        update_pair_days(stage, {date for timeline in timelines for date in timeline.days()}, plan)
        parts = [part for timeline in timelines for part in _parts(timeline, hosts, stage, plan)]
        with stage.report.step("fg_a"):
            work = Features(stage.lake, stage.project)
            stage.report.rows_out = replace_by_parts(stage, "fg_a", config.windows, work, parts)


def _hosts(windows: Windows, stage: StageRun) -> pa.Array:
    """The hosts that have slices in the windows."""
    slices = stage.lake.arrow("delta_host", ["host_ip"], windows, coded=["host_ip"])
    stage.report.rows_in = len(slices)
    if not slices:
        raise TableError(f"table delta_host has no slice in {windows}", "Run ndr-delta for it first, or check --window")
    return encoded(slices["host_ip"]).dictionary


def _timeline(windows: Windows, spec: FeatureSpec) -> Timeline:
    return Timeline(windows, spec.window_labels, spec.lookback_days)


def _parts(timeline: Timeline, hosts: pa.Array, stage: StageRun, plan: Plan) -> list[Part]:
    """The parts of a day."""
    per_host = len(ROLES) * timeline.n_buckets * (len(stage.spec.sums) + 2)
    most_hosts = min(CELLS_PER_PART // per_host, timeline.layout.most_hosts)
    most_rows = ROWS_PER_TASK if stage.engine.is_cluster else ROWS_PER_PART
    return plan.parts(timeline.windows, timeline.history, hosts, most_hosts, most_rows, timeline.days())


@dataclass(frozen=True)
class Features:
    """The work on a part: a file of `fg_a`."""

    lake: LakeReader
    project: ProjectParameters

    def __call__(self, part: Part) -> pa.Table:
        """The file; none if no host of the part is active."""
        lake = self.lake
        definition = Definition(_timeline(part.windows, lake.spec), lake.spec, self.project, lake.table("fg_a"))
        files = TableFiles(lake.location("fg_a"), definition.table)
        if rows := _rows(lake, part, definition):
            files.write(rows, {"date": f"{part.windows.start:%Y-%m-%d}"})
        return as_rows(files.actions)


def _rows(lake: LakeReader, part: Part, definition: Definition) -> pa.Table:
    """The rows of the part."""
    timeline, hosts = definition.timeline, part.hosts
    sums = host_sums.host_sums(
        lake.arrow("delta_host", host_sums.columns(lake.spec), timeline.history, coded=host_sums.CODED, hosts=hosts),
        lake.spec,
        timeline,
    )
    pairs = pair_sums.pair_pieces(
        (
            lake.arrow("delta_pair", pair_sums.COLUMNS, piece, coded=pair_sums.CODED, hosts=hosts)
            for piece in part.slices
        ),
        sums.hosts,
        timeline,
        definition.project.high_risk_segments,
    )
    before = past.past_pieces(
        (
            lake.arrow("pair_days", past.COLUMNS, equal={"date": dates}, coded=past.CODED, hosts=hosts)
            for dates in part.days
        ),
        sums.hosts,
        pairs.peers,
        timeline,
        pairs.layout,
    )
    pa.default_memory_pool().release_unused()  # NumPy, which does the rest, has memory of its own
    steps = -(-len(pairs) // ROWS_AT_A_TIME)
    bounds = np.linspace(0, len(sums.hosts), max(steps, 1) + 1).astype(int).tolist()
    found = (
        fg_a_rows(sums.between(*some), pairs.between(*some), before.between(*some), definition)
        for some in pairwise(bounds)
        if some[0] < some[1]
    )
    return pa.concat_tables([definition.table.arrow.empty_table(), *found])
