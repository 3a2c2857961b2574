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
from common.runtime.version import version_option
from tools.simulate.config import PANOS_VERSIONS, SimulateConfig
from tools.simulate.job import run


@click.command("ndr-simulate", epilog="Example: ndr-simulate --out demo/scenario --hosts 60 --days 8")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to create.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day; days run from 00:08 to 00:08 UTC.")
@click.option("--days", type=int, help="Number of days, 1 to 366.")
@click.option("--hosts", type=int, help="Hosts of the office, 10 to 5000; nine servers come on top.")
@click.option("--seed", type=int, help="Same seed and options, same bytes.")
@click.option("--org1", help="First level of the organisation in the path.")
@click.option("--org2", help="Second level of the organisation in the path.")
@click.option("--panos-version", type=click.Choice(PANOS_VERSIONS), help="Release whose log columns are written.")
@click.option("--intensity", type=float, help="Factor on what people do, 0.01 to 20.")
@click.option("--attack-days", type=int, help="Days at the end that hold attacks; 0 = none.")
@click.option("--no-attacks", is_flag=True, help="The same as --attack-days 0.")
@click.option("--overwrite", is_flag=True, help="Replace a folder that is not empty.")
@click.option("--workers", type=int, help="Processes, each makes whole days; by default one per core.")
@version_option
@report_errors
def main(start: datetime | None, no_attacks: bool, workers: int | None, **given: Any) -> None:
    """Writes the traffic of an office network as PAN-OS logs into batch folders, with labelled attacks.

    Prints one JSON line of counts. Without further options: 60 hosts, 8 days from 2026-03-03, attacks on the last.
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
