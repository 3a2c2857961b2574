"""Command line of models."""

from __future__ import annotations

import click

from common.runtime.cli import lake_option, project_name_option, report_errors
from common.runtime.commands import group
from common.runtime.version import version_option
from tools.models import job


@group(
    name="ndr-models",
    epilog="Example: ndr-models migrate --lake ./lake",
)
@version_option
def main() -> None:
    """List, show and migrate the trained models of a project."""


@main.command(name="list", epilog="Example: ndr-models list --lake ./lake")
@lake_option
@project_name_option
@report_errors
def list_models(lake_uri: str, project_name: str | None) -> None:
    """Print one JSON line per model: run, format, status, and the data it was trained on."""
    job.list_models(lake_uri, project_name)


@main.command(epilog="Example: ndr-models show if-0123456789abcdef --lake ./lake")
@click.argument("run_id")
@lake_option
@project_name_option
@report_errors
def show(run_id: str, lake_uri: str, project_name: str | None) -> None:
    """Print the manifest of a model as JSON, without its features and statistics."""
    job.show(lake_uri, project_name, run_id)


@main.command(epilog="Example: ndr-models migrate --lake ./lake")
@lake_option
@project_name_option
@report_errors
def migrate(lake_uri: str, project_name: str | None) -> None:
    """Rewrite models of the formats 3 and 4, so that this release can load them.

    Scores do not change. The command can be interrupted and repeated. Altered models are refused. The forest of an old
    model is a pickle, which could run code: it is read with nothing allowed but numbers, and then removed. Migrate only
    models that you trust.
    """
    job.migrate(lake_uri, project_name)
