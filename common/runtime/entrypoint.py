"""The entry point of a command in its image."""

from __future__ import annotations

import importlib.util
import re

import click

from common.runtime.cli import report_errors
from common.runtime.spark_cluster import main as ndr_spark
from common.runtime.spark_cluster import on_spark

LOCAL = re.compile(r"(?<=\s)(?:\./|(?=[a-z][\w.-]*/))(\S+)")
"""A relative path with a folder: `demo/lake`, `./project.yaml`."""


def start(command: click.Command) -> None:
    """Runs a command in its image: the help's example uses Docker.

    In the image with classic Spark, the command runs on Spark, on all instances of a processing job.
    """
    classic = command is ndr_spark or importlib.util.find_spec("delta") is not None
    command.epilog = docker_example(command.epilog or "", own_user=not classic)
    if command is ndr_spark or not classic:
        command()
    else:
        report_errors(on_spark)(command)


def docker_example(example: str, own_user: bool) -> str:
    """The example as a `docker run` command that mounts the files and folders it names.

    It runs as the user who types it, to whom they belong, but with classic Spark: Hadoop needs a user with a name.
    """
    line = example.removeprefix("Example: ")
    volumes = " ".join(f'-v "$PWD/{path}:/{path}"' for path in dict.fromkeys(LOCAL.findall(line)))
    inside = LOCAL.sub(r"/\1", line)
    user = '--user "$(id -u):$(id -g)" ' if own_user else ""
    return f"\b\nExample:\n  docker run --rm {user}{volumes} {inside}"
