"""The entry point of a command in its image."""

from __future__ import annotations

import importlib.util
import re

import click

from common.runtime.cli import report_errors
from common.runtime.spark_cluster import main as ndr_spark
from common.runtime.spark_cluster import on_spark

LOCAL = re.compile(r"(?<=\s)\./(\S+)")


def start(command: click.Command) -> None:
    """Runs a command in its image: the help's example uses Docker.

    In the image with classic Spark, the command runs on Spark, on all instances of a processing job.
    """
    command.epilog = docker_example(command.epilog or "")
    if command is ndr_spark or importlib.util.find_spec("delta") is None:
        command()
    else:
        report_errors(on_spark)(command)


def docker_example(example: str) -> str:
    """The example as a `docker run` command that mounts the files and folders it names."""
    line = example.removeprefix("Example: ")
    volumes = " ".join(f'-v "$PWD/{path}:/{path}"' for path in dict.fromkeys(LOCAL.findall(line)))
    inside = LOCAL.sub(r"/\1", line)
    return f"\b\nExample:\n  docker run --rm {volumes} {inside}"
