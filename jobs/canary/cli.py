"""Command line of the canary."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import lake_option, optional_window_option, project_options, report_errors
from common.runtime.commands import command
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option


@command(
    name="ndr-canary",
    epilog="Example: ndr-canary --lake demo/lake",
    groups={"Proof": ("window", "top", "json")},
)
@lake_option
@optional_window_option("the last one that is scored")
@click.option(
    "--top",
    type=click.IntRange(3, 10_000),
    default=10,
    show_default=True,
    metavar="HOSTS",
    help="Each attack must be among so many highest hosts of the window.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the run report as one JSON object.")
@project_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Prove that the detector still finds a beacon, a scan and an upload in the network as it is.

    Puts the three into a copy of a window that is scored, makes its features again, scores them with the current model,
    and fails unless all come to the top of the list. The tables of the lake stay as they are.
    """
    if options["windows"] and len(options["windows"]) > 1:
        raise click.UsageError("--window must be one window")
    without_pandas()
    from common.runtime.lake_project import with_lake_project
    from jobs.canary.config import CanaryConfig
    from jobs.canary.job import run

    run(CanaryConfig(**with_lake_project(options)))


if __name__ == "__main__":
    main()
