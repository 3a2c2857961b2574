"""Command line of models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from common.runtime.cli import (
    lake_option,
    lake_spec_option,
    optional_window_option,
    parameters_option,
    project_name_option,
    report_errors,
)
from common.runtime.commands import group
from common.runtime.output import activity
from common.runtime.rows import format_option
from common.runtime.version import version_option
from common.windows import Windows

RUN = "RUN"


class TargetType(click.ParamType[tuple[str, str]]):
    """A registry of models: `mlflow:<tracking URI>` or `sagemaker:<group>`."""

    name = "target"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Kind and place; fails with a usage error that names the value."""
        if isinstance(value, tuple):
            return value
        kind, _, place = value.partition(":")
        if kind not in ("mlflow", "sagemaker") or not place:
            self.fail(f"{value!r} is neither mlflow:TRACKING_URI nor sagemaker:MODEL_PACKAGE_GROUP", param, ctx)
        return kind, place


@group(
    name="ndr-models",
    epilog="Example: ndr-models list --lake demo/lake",
)
@version_option
def main() -> None:
    """List, compare, promote and export the trained models of a project.

    RUN is a run id, `current`, or `previous`: the run that was current before.
    """


def project_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the lake and the options of its project."""
    return lake_option(project_name_option(lake_spec_option(parameters_option(function))))


def decision_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds why and who, and a way to look first."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Check, print the decision, and change nothing."),
        click.option(
            "--by",
            metavar="NAME",
            help="Who decides.  [default: the user of this machine; for a lake in S3, the AWS identity]",
        ),
        click.option(
            "--reason", required=True, metavar="TEXT", callback=_sentence, help="Why, in one sentence; it is recorded."
        ),
    ):
        function = option(function)
    return function


def _sentence(context: click.Context, option: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("it is empty. Say in one sentence why", context, option)
    return value


@main.command(name="list", epilog="Example: ndr-models list --lake demo/lake")
@project_options
@format_option
@report_errors
def list_models(form: str, **options: Any) -> None:
    """Print a row per model, the newest first: status, origin, figures, and who decided last, when and why."""
    with activity("loading"):
        from tools.models import job

    job.list_models(form, **options)


@main.command(epilog="Example: ndr-models show current --lake demo/lake")
@click.argument("run_id", metavar=RUN)
@project_options
@report_errors
def show(run_id: str, **options: Any) -> None:
    """Print a model as JSON: its status, figures and gates, all decisions about it, and its manifest."""
    with activity("loading"):
        from tools.models import job

    job.show(run_id, **options)


@main.command(epilog="Example: ndr-models compare previous current --lake demo/lake", groups={"Output": ("top",)})
@click.argument("one", metavar="RUN_A")
@click.argument("other", metavar="RUN_B")
@project_options
@optional_window_option("the last one of fg_a")
@click.option(
    "--top", type=click.IntRange(1), default=20, show_default=True, help="Number of highest scores that are compared."
)
@format_option
@report_errors
def compare(one: str, other: str, windows: Windows | None, top: int, form: str, **options: Any) -> None:
    """Print the figures of two models side by side, with their differences, and how they score the same windows.

    Figures without a difference are left out where the models have many: settings and parameters.
    """
    with activity("loading"):
        from tools.models import job

    job.compare(one, other, windows, top, form, **options)


@main.command(
    epilog='Example: ndr-models promote current --lake demo/lake --reason "it finds the port scans"',
    groups={"Decision": ("reason", "by", "despite-gates", "dry-run")},
)
@click.argument("run_id", metavar=RUN)
@decision_options
@click.option("--despite-gates", is_flag=True, help="Promote a model although gates refuse it, or none was applied.")
@project_options
@report_errors
def promote(run_id: str, **options: Any) -> None:
    """Make a model the current one, after the checks of deployment; print the decision as JSON.

    The model must be complete, unaltered, and of the project's settings. A repeated promotion keeps it, and is recorded
    as that.
    """
    with activity("loading"):
        from tools.models import job

    job.promote(run_id, **options)


@main.command(
    epilog='Example: ndr-models rollback --lake demo/lake --reason "too many alerts about printers"',
    groups={"Decision": ("to", "reason", "by", "dry-run")},
)
@click.option("--to", metavar=RUN, help="Earlier run to go back to.  [default: the one before the current one]")
@decision_options
@project_options
@report_errors
def rollback(to: str | None, **options: Any) -> None:
    """Make an earlier model the current one again; print the decision as JSON.

    The models that are left count as rolled back: training does not deploy them again.
    """
    with activity("loading"):
        from tools.models import job

    job.roll_back(to, **options)


@main.command(
    epilog="Example: ndr-models export current --to mlflow:mlruns --lake demo/lake",
    groups={"Target": ("to", "experiment", "image")},
)
@click.argument("run_id", metavar=RUN)
@click.option(
    "--to",
    "target",
    required=True,
    type=TargetType(),
    metavar="TARGET",
    help="Target: mlflow:TRACKING_URI, or sagemaker:MODEL_PACKAGE_GROUP for a lake in S3.",
)
@click.option("--experiment", metavar="NAME", help="MLflow's experiment.  [default: ndr-PROJECT]")
@click.option("--image", metavar="URI", help="Image that serves the model.  [default: that of training.endpoint]")
@project_options
@report_errors
def export(run_id: str, target: tuple[str, str], **options: Any) -> None:
    """Export a model to MLflow or to a SageMaker Model Package Group; print where it is as JSON.

    What was exported before keeps its version, and gets the status, aliases or approval that were decided since.
    """
    with activity("loading"):
        from tools.models import job

    job.export(run_id, target, **options)


@main.command(epilog="Example: ndr-models migrate --lake demo/lake")
@lake_option
@project_name_option
@report_errors
def migrate(lake_uri: str, project_name: str | None) -> None:
    """Rewrite models of the formats 4 and 5, so that this release can load them.

    Scores do not change. The command can be interrupted and repeated. Altered models are refused. The forest of a
    model of format 4 is a pickle, which could run code: it is read with nothing allowed but numbers, and
    then removed. Migrate only models that you trust.
    """
    with activity("loading"):
        from tools.models import job

    job.migrate(lake_uri, project_name)
