"""Command line of the pair-counts stage."""

from __future__ import annotations

from typing import Any

from common.runtime.cli import report_errors, stage_options
from common.runtime.commands import command
from common.runtime.context import StageConfig, run_stage
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option


@command(
    name="ndr-pair-counts",
    epilog="Example: ndr-pair-counts --window 2026-03-10T13:08Z --lake demo/lake",
)
@stage_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Count sessions per source, destination, service port and window, from delta_pair."""
    without_pandas()
    from common.runtime.lake_project import with_lake_project
    from jobs.pair_counts.job import run

    run_stage("ndr-pair-counts", StageConfig(**with_lake_project(options)), run)
