"""Command line of the serving stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.version import version_option
from jobs.serve.config import ServeConfig


@command(name="ndr-serve", epilog="Example: ndr-serve --model-folder demo/lake/models/local/if-0123456789abcdef")
@click.argument("word", type=click.Choice(["serve"]), required=False, metavar="[serve]")
@click.option(
    "--model-folder",
    type=click.Path(path_type=Path),
    default="/opt/ml/model",
    show_default=True,
    metavar="FOLDER",
    help="Folder of the model's run; SageMaker mounts it there, and adds the word serve.",
)
@click.option(
    "--manifest-sha256",
    envvar="NDR_MANIFEST_SHA256",
    show_envvar=True,
    metavar="DIGEST",
    help="SHA-256 that the model's manifest must have.  [default: that in its SUCCESS]",
)
@click.option(
    "--address",
    default="0.0.0.0",
    show_default=True,
    metavar="IP",
    help="Address to listen on; 0.0.0.0 is all of them.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="TCP port.")
@click.option(
    "--top-features",
    type=click.IntRange(5, 10),
    default=8,
    show_default=True,
    help="Number of reasons to give for each prediction.",
)
@version_option
@report_errors
def main(word: str | None, **options: Any) -> None:
    """Answer requests over HTTP for the scores of hosts' features, and their reasons, by one verified model."""
    from jobs.serve.job import run

    run(ServeConfig(**options))
