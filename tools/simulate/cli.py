"""Command line of the traffic simulator."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.run_report import RunReport
from tools.simulate.config import PANOS_VERSIONS, SimulateConfig
from tools.simulate.job import run


@click.command("ndr-simulate", epilog="Example: ndr-simulate --out demo/scenario --hosts 60 --days 8")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to create.")
@click.option(
    "--start", type=click.DateTime(["%Y-%m-%d"]), help="First day (00:08 to 00:08 UTC).  [default: 2026-03-03]"
)
@click.option("--days", type=int, help="Number of days, 1 to 366.  [default: 8]")
@click.option("--hosts", type=int, help="Number of hosts, 10 to 5000, besides nine servers.  [default: 60]")
@click.option("--seed", type=int, help="Random seed; equal options give equal bytes.  [default: 1]")
@click.option("--org1", help="First level of the organisation's folder.  [default: acme]")
@click.option("--org2", help="Second level of the organisation's folder.  [default: hq]")
@click.option(
    "--panos-version", type=click.Choice(PANOS_VERSIONS), help="PAN-OS release of the log format.  [default: 10.1]"
)
@click.option("--intensity", type=float, help="Factor on people's activity, 0.01 to 20.  [default: 1]")
@click.option("--attack-days", type=int, help="Number of days with attacks, at the end; 0 = none.  [default: 1]")
@click.option("--no-attacks", is_flag=True, help="Same as --attack-days 0.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier scenario in the folder.")
@click.option("--workers", type=int, help="Number of processes; each simulates whole days.  [default: one per core]")
@report_errors
def main(start: datetime | None, no_attacks: bool, workers: int | None, **given: Any) -> None:
    """Simulate the traffic of an office network as PAN-OS logs with labelled attacks.

    Writes one mini-batch per 15-minute window, labels.csv and scenario.json, and prints the counts as JSON.
    """
    settings = {name: value for name, value in given.items() if value is not None}
    if start is not None:
        settings["start"] = start.date()
    if no_attacks:
        settings["attack_days"] = 0
    config = SimulateConfig(workers=workers or len(os.sched_getaffinity(0)), **settings)
    report = RunReport("ndr-simulate")
    with report.step("simulate"):
        counts = run(config, lambda done: report.progress("simulate", done, config.days, "days"))
    click.echo(json.dumps(counts))


if __name__ == "__main__":
    main()
