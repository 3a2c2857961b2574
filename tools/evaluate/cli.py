"""Command line of the evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.output import activity
from common.runtime.parameter_types import MomentType, UriType
from common.runtime.rows import print_rows, rows_option
from common.runtime.version import version_option
from tools.evaluate.config import EvaluateConfig

FILE = click.Path(path_type=Path, dir_okay=False)


@command(
    name="ndr-evaluate",
    epilog="Example: ndr-evaluate --lake demo/lake --labels demo/scenario/labels.csv",
    groups={
        "Windows": ("since", "until"),
        "Input": ("lake", "predictions", "labels"),
        "Output": ("budget", "format", "predictions-out", "figures-out"),
    },
)
@click.option("--lake", "lake_uri", type=UriType(), metavar="URI", help="Lake whose predictions are evaluated.")
@click.option(
    "--predictions",
    "predictions_path",
    type=FILE,
    metavar="FILE",
    help="CSV with host_ip, window_start and anomaly_score, instead of --lake.",
)
@click.option(
    "--labels",
    "labels_path",
    type=FILE,
    required=True,
    metavar="FILE",
    help="CSV with host_ip, window_start and attack (empty = clean).",
)
@click.option(
    "--since",
    type=MomentType(),
    metavar="TIME",
    help="First window evaluated, inclusive (2026-03-10T00:08Z).  [default: the first with predictions]",
)
@click.option(
    "--until",
    type=MomentType(),
    metavar="TIME",
    help="End of the windows evaluated, exclusive.  [default: after the last label with --since, else after the last "
    "prediction]",
)
@click.option(
    "--budget",
    type=int,
    default=20,
    show_default=True,
    metavar="ALERTS",
    help="Number of alerts that analysts check in the whole period.",
)
@click.option(
    "--predictions-out",
    type=FILE,
    metavar="FILE",
    help="Write the predictions of the period to a CSV with host_ip, window_start and anomaly_score.",
)
@rows_option
@click.option("--figures-out", type=FILE, metavar="FILE", help="Write all figures to a JSON file.")
@version_option
@report_errors
def main(form: str | None, **options: Any) -> None:
    """Evaluate predictions against labels: ROC-AUC, PR-AUC, precision and recall at an alert budget, per attack.

    The unit is a label row (host and window). A row without a prediction counts as least anomalous. With --format,
    prints one row per attack.
    """
    with activity("evaluating"):
        from tools.evaluate.job import run
        from tools.evaluate.table import attack_rows

        report, text = run(EvaluateConfig(**options))
    if form:
        print_rows(attack_rows(report), form)
    else:
        click.echo(text)


if __name__ == "__main__":
    main()
