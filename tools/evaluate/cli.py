"""Command line of the evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.output import activity
from common.runtime.parameter_types import MomentType, UriType
from common.runtime.rows import print_rows, rows_option
from common.runtime.version import version_option
from tools.evaluate.config import LABEL_FORMS, WINDOWS, EvaluateConfig

FILE = click.Path(path_type=Path, dir_okay=False)


@command(
    name="ndr-evaluate",
    epilog="Example: ndr-evaluate --lake demo/lake --labels demo/scenario/labels.csv",
    groups={
        "Windows": ("since", "until"),
        "Input": ("lake", "predictions", "labels", "labels-format", "labels-time-zone"),
        "Output": ("budget", "json", "format", "predictions-out", "figures-out"),
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
    "labels_paths",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    metavar="PATH",
    help="Labels: a file, or a folder of files; can be repeated.",
)
@click.option(
    "--labels-format",
    "labels_form",
    type=click.Choice(LABEL_FORMS),
    default=WINDOWS,
    show_default=True,
    help="csv: host_ip, window_start and attack (empty = clean); intervals: host, start, end and attack; or the files "
    "of a public data set.",
)
@click.option(
    "--labels-time-zone",
    "labels_zone",
    metavar="ZONE",
    help="Zone of label times without one: IANA name or offset (+02:00).  [default: that of the lake's logs]",
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
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object.")
@rows_option
@click.option("--figures-out", type=FILE, metavar="FILE", help="Write all figures to a JSON file.")
@version_option
@report_errors
def main(form: str | None, as_json: bool, **options: Any) -> None:
    """Evaluate predictions against labels: ROC-AUC, PR-AUC, precision and recall at an alert budget, per attack.

    The unit is a host in a window. One without a prediction counts as least anomalous; targets of an attack count
    neither way. With --format, prints one row per attack.
    """
    if form and as_json:
        raise click.UsageError("give either --format or --json")
    with activity("evaluating"):
        from tools.evaluate.job import run
        from tools.evaluate.table import attack_rows

        report, text = run(EvaluateConfig(**options))
    if form:
        print_rows(attack_rows(report), form)
    else:
        click.echo(json.dumps(report, indent=1) if as_json else text)


if __name__ == "__main__":
    main()
