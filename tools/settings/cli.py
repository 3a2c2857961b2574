"""Command line of settings."""

from __future__ import annotations

import click

from common.runtime.cli import report_errors
from common.runtime.commands import group
from common.runtime.rows import format_option
from common.runtime.version import version_option
from tools.settings.config import KINDS


@group(name="ndr-settings", epilog="Example: ndr-settings check demo/lake-aws/project.yaml")
@version_option
def main() -> None:
    """Check files of settings without running anything, and print their JSON Schema for editors."""


@main.command(epilog="Example: ndr-settings check demo/lake-aws/project.yaml")
@click.argument("source", metavar="FILE")
@format_option
@report_errors
def check(source: str, form: str) -> None:
    """Name everything that is wrong in a file, or print the settings that differ from the defaults.

    FILE is a project file, or the project parameters that stages take by --parameters: a path or s3:// URI.
    """
    from tools.settings import job  # needs pydantic, which help does not

    job.check(source, form)


@main.command(epilog="Example: ndr-settings schema > project.schema.json")
@click.argument("kind", type=click.Choice(KINDS), default=KINDS[0])
@report_errors
def schema(kind: str) -> None:
    """Print the JSON Schema of project files (project) or of project parameters (parameters)."""
    from tools.settings import job

    job.schema(kind)
