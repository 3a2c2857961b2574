"""Command line of the 15-minute stage: the stages of a window in one process."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import report_errors, stage_options
from common.runtime.commands import command
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option
from jobs.delta.cli import log_options
from jobs.fg_c.cli import baseline_month_option
from jobs.streaming_15m.config import FIRST_STAGES, LAST_STAGES, StreamingConfig


@command(
    name="ndr-15m",
    epilog="Example: ndr-15m --window 2026-03-10T13:08Z --input "
    "demo/scenario/fw_paloalto/acme/hq/2026/03/10/86156034ff0d1920 --lake demo/lake",
    groups={"Stages": ("from", "through")},
)
@click.option(
    "--from",
    "first",
    type=click.Choice(FIRST_STAGES),
    default=FIRST_STAGES[0],
    show_default=True,
    help="First stage to run, on the tables of the stages before it; --input is read by delta only.",
)
@click.option(
    "--through",
    "last",
    type=click.Choice(LAST_STAGES),
    default=LAST_STAGES[0],
    show_default=True,
    help="Last stage to run; join: scores too, and stages the join under --mini-batch-id for ndr-join --staged.",
)
@log_options
@baseline_month_option
@stage_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Make slices, features, pair counts and deviations from firewall logs, and score them.

    Runs ndr-delta, ndr-fg-a, ndr-pair-counts and ndr-fg-c in one process, or those from a later one on, then on demand
    ndr-inference and the join, and prints the run report of each. Exits with 3 if the features are made, but not the
    scores.
    """
    if options["last"] == "join" and not options["mini_batch_id"]:
        raise click.UsageError("--through join needs --mini-batch-id")
    without_pandas()
    from common.runtime.lake_project import with_lake_project
    from jobs.streaming_15m.job import run

    run(StreamingConfig(**with_lake_project(options)))
