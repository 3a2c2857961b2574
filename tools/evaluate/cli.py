"""Command line of the evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from common.runtime.cli import MomentType, UriType, report_errors
from common.runtime.version import version_option
from tools.evaluate.config import EvaluateConfig
from tools.evaluate.job import run

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(name="ndr-evaluate", epilog="Example: ndr-evaluate --lake ./lake --labels demo/labels.csv")
@click.option("--lake", "lake_uri", type=UriType(), metavar="URI", help="Lake whose predictions are scored.")
@click.option(
    "--predictions",
    "predictions_path",
    type=FILE,
    metavar="FILE",
    help="Instead of --lake: CSV with host_ip, window_start, anomaly_score.",
)
@click.option(
    "--labels",
    "labels_path",
    type=FILE,
    required=True,
    metavar="FILE",
    help="CSV with host_ip, window_start, attack (empty = clean).",
)
@click.option(
    "--since",
    type=MomentType(),
    metavar="TIME",
    help="First window scored, inclusive (2026-03-10T00:08Z); else the first with predictions.",
)
@click.option(
    "--until",
    type=MomentType(),
    metavar="TIME",
    help="End of the windows scored, exclusive; else the last label with --since, the last prediction without.",
)
@click.option(
    "--budget",
    type=int,
    default=20,
    show_default=True,
    metavar="ALERTS",
    help="Alerts that are looked at in the whole period.",
)
@click.option(
    "--predictions-out",
    type=FILE,
    metavar="FILE",
    help="Write the predictions of the period as CSV: host_ip, window_start, anomaly_score.",
)
@click.option("--json", "json_out", type=FILE, metavar="FILE", help="Write all figures as JSON.")
@version_option
@report_errors
def main(**options: Any) -> None:
    """Scores predictions against labels: ROC-AUC, PR-AUC, precision and recall at an alert budget, by attack.

    The unit is a row of the labels (host and window). A row without prediction counts as the least anomalous.
    """
    _, table = run(EvaluateConfig(**options))
    click.echo(table)


if __name__ == "__main__":
    main()
