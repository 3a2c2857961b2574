"""Command line of the training lifecycle."""

from __future__ import annotations

import re
from typing import Any

import click

from common.runtime.cli import engine_option, lake_option, project_options, report_errors
from common.runtime.commands import command
from common.runtime.parameter_types import WindowListType, WindowsType
from common.runtime.version import version_option
from common.windows import Windows
from jobs.if_training.config import ALL, AUTO, ROLLBACK, STAGES, TrainingConfig


class RunIdType(click.ParamType[str]):
    """A name that can be a folder."""

    name = "run id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as given; fails with a usage error that names the value."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", value):
            self.fail(
                f"{value!r} is not a valid run id. Use up to 100 letters, digits, dots, dashes and underscores",
                param,
                ctx,
            )
        return str(value)


@command(
    name="ndr-if-training",
    epilog="Example: ndr-if-training --window 2026-03-03T00:08Z/2026-03-10T00:08Z --lake demo/lake",
    groups={
        "Training": ("stage", "run-id", "execution", "n-estimators", "max-samples", "random-state", "min-rows"),
        "Windows": ("window", "missing-windows", "backfill-state-machine"),
    },
)
@click.option(
    "--window",
    "windows",
    type=WindowsType(),
    metavar="START/END",
    help="Training range: START inclusive, END exclusive; required by every stage but rollback.",
)
@lake_option
@engine_option
@project_options
@click.option(
    "--stage",
    type=click.Choice([ALL, *STAGES, ROLLBACK]),
    default=ALL,
    show_default=True,
    help="Stage of training; all: verify to deploy, in order; rollback: make the previous model current.",
)
@click.option(
    "--run-id",
    type=RunIdType(),
    metavar="ID",
    help="Name of the run; required by a single stage.  [default: derived from data and settings]",
)
@click.option(
    "--missing-windows",
    type=WindowListType(AUTO),
    default=AUTO,
    show_default=True,
    metavar="WINDOWS|auto",
    help="Windows to remediate: starts or ranges START/END, separated by commas; auto: those found by verify.",
)
@click.option("--backfill-state-machine", metavar="ARN", help="State machine that builds missing windows.")
@click.option("--n-estimators", type=click.IntRange(10, 2000), help="Number of trees.  [default: tuned]")
@click.option(
    "--max-samples", type=click.IntRange(2, 1_000_000), help="Number of rows drawn for each tree.  [default: tuned]"
)
@click.option("--random-state", type=click.IntRange(0), help="Random seed.  [default: from the project parameters]")
@click.option(
    "--min-rows",
    type=click.IntRange(2),
    help="Smallest number of rows to train on.  [default: from the project parameters]",
)
@click.option("--execution", metavar="ARN", help="Execution that runs the stage, named with what it decides.")
@version_option
@report_errors
def main(**options: Any) -> None:
    """Train a model on the features of a range, and make it the project's current one if it passes the gates.

    Stages: verify, remediate, reverify, train, publish, attributes, deploy. Each writes an artifact to the run's
    folder, and starts only if the artifact of the stage before says that it may.
    """
    stage, windows = options["stage"], options["windows"]
    if stage != ROLLBACK and windows is None:
        raise click.UsageError(f"Missing option '--window': stage {stage} needs the training range.")
    if stage in STAGES and options["run_id"] is None:
        raise click.UsageError(f"Missing option '--run-id': stage {stage} belongs to a run.")
    outside = [entry for entry in options["missing_windows"] or () if not _inside(entry, windows)]
    if outside:
        raise click.UsageError(f"--missing-windows {outside[0]} is not in the training range {windows}.")
    options["backfill_state_machine"] = options["backfill_state_machine"] or None
    _run(options)


def _inside(window: Windows, windows: Windows | None) -> bool:
    return windows is not None and len(window) == 1 and windows.start <= window.start and window.end <= windows.end


def _run(options: dict[str, Any]) -> None:
    from common.runtime.lake_project import with_lake_project
    from jobs.if_training.job import roll_back, run  # what the stages load takes a second, which help need not wait for

    known = with_lake_project(options)
    if options["stage"] == ROLLBACK:
        roll_back(options["lake_uri"], known["lake_project"], options["run_id"], options["execution"])
    else:
        run(TrainingConfig(**known))
