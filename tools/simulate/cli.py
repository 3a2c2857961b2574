"""Command line of the traffic simulator."""

from __future__ import annotations

import json
import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.output import progress
from common.runtime.run_report import RunReport
from common.runtime.version import version_option
from tools.simulate.config import PANOS_VERSIONS, SimulateConfig

_option = partial(click.option, show_default=True)


@command(
    "ndr-simulate",
    epilog="Example: ndr-simulate --out demo/small --hosts 10 --days 1",
    groups={
        "Scenario": ("start", "days", "hosts", "seed", "intensity", "attack-days", "no-attacks"),
        "Logs": ("org1", "org2", "panos-version"),
        "Engine": ("workers",),
        "Output": ("out", "overwrite"),
    },
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to create.")
@_option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    default=str(SimulateConfig.start),
    help="First day, from 00:08 UTC.",
)
@_option("--days", default=SimulateConfig.days, help="Number of days, 1 to 366.")
@_option("--hosts", default=SimulateConfig.hosts, help="Number of hosts, 10 to 5000, besides nine servers.")
@_option("--seed", default=SimulateConfig.seed, help="Random seed; equal options give equal bytes.")
@_option("--org1", metavar="NAME", default=SimulateConfig.org1, help="First level of the organisation's folder.")
@_option("--org2", metavar="NAME", default=SimulateConfig.org2, help="Second level of the organisation's folder.")
@_option(
    "--panos-version",
    type=click.Choice(PANOS_VERSIONS),
    default=SimulateConfig.panos_version,
    help="PAN-OS release of the log format.",
)
@_option("--intensity", default=SimulateConfig.intensity, help="Factor on people's activity, 0.01 to 20.")
@_option(
    "--attack-days",
    default=SimulateConfig.attack_days,
    help="Number of days with attacks, at the end; 0 = none.",
)
@click.option("--no-attacks", is_flag=True, help="Same as --attack-days 0.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier scenario in the folder.")
@click.option("--workers", type=int, help="Number of processes; each simulates whole days.  [default: one per core]")
@version_option
@report_errors
def main(start: datetime, no_attacks: bool, workers: int | None, **given: Any) -> None:
    """Simulate the traffic of an office network as PAN-OS logs with labelled attacks.

    Writes one mini-batch per 15-minute window, labels.csv and scenario.json, and prints the counts as JSON.
    """
    if no_attacks:
        given["attack_days"] = 0
    config = SimulateConfig(start=start.date(), workers=workers or len(os.sched_getaffinity(0)), **given)
    report = RunReport("ndr-simulate")
    with report.step("simulate"):
        from tools.simulate.job import run

        progress(0, config.days, "days")
        counts = run(config, lambda done: progress(done, config.days, "days"))
    click.echo(json.dumps(counts))


if __name__ == "__main__":
    main()
