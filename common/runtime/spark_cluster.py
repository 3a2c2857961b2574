"""Classic Spark for one command: on this machine, or on all instances of a processing job."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path

import click

from common.errors import EngineError
from common.retries import polled
from common.runtime.catalog import STAGES
from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.environment import variables
from common.runtime.version import version_option

RESOURCES = Path("/opt/ml/config/resourceconfig.json")
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
PORT = 7077
MASTER_START_SECONDS = 300.0
POLL_SECONDS = 1.0
POLLS_UNTIL_GONE = 3
HEAP_SHARE = 0.6  # of the memory; the rest is for Python, Arrow and the system
WORK_FOLDER = "/tmp/spark-work"


@dataclass(frozen=True)
class Cluster:
    """The Spark cluster of a processing job: the names of this machine and of the master."""

    host: str
    master: str

    @property
    def url(self) -> str:
        """The URL of the master."""
        return f"spark://{self.master}:{PORT}"


def read_cluster(path: Path) -> Cluster | None:
    """The cluster in the resource configuration of a processing job; None for a single machine.

    Raises:
        EngineError: the file is not a resource configuration.
    """
    if not path.exists():
        return None
    try:
        resources = json.loads(path.read_text())
        host, hosts = str(resources["current_host"]), [str(name) for name in resources["hosts"]]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"{path} does not name current_host and hosts: {error!r}", "Mount the file that the processing job provides"
        ) from error
    master = min(hosts, key=lambda name: (len(name), name))  # algo-2 comes before algo-10
    return Cluster(host, master) if len(hosts) > 1 else None


def memory_bytes() -> int:
    """The memory available to this process: its container's limit, or that of the machine."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [path.read_text().strip() for path in MEMORY_LIMITS if path.exists()]
    return min([physical, *(int(limit) for limit in limits if limit.isdigit())])


def on_spark(command: click.Command) -> None:
    """Runs the command on classic Spark: on a single machine, or on the master of a cluster; else serves as worker.

    Raises:
        EngineError: the resource configuration is invalid, or the master does not answer.
    """
    cluster = read_cluster(RESOURCES)
    arguments = sys.argv[1:] if "--engine" in sys.argv else [*sys.argv[1:], "--engine", "spark"]
    with variables(settings(cluster, memory_bytes(), os.environ.get("NDR_SPARK_CONF", ""))):
        if cluster is None or {"--help", "--version"} & set(arguments):
            command(arguments)
        elif cluster.host != cluster.master:
            follow(cluster)
        else:
            master_of = ("org.apache.spark.deploy.master.Master", "--host", cluster.host, "--port", str(PORT))
            with _process(*master_of) as master:
                _wait_for_master(cluster, master)
                command(arguments)


def settings(cluster: Cluster | None, memory: int, given: str) -> dict[str, str]:
    """The environment of the engine: the master, and heap sizes that fit into the memory; `given` settings win."""
    heap = f"{int(memory * HEAP_SHARE) >> 20}m"
    conf = f"spark.driver.memory={heap};spark.executor.memory={heap}"
    environment = {"NDR_SPARK_CONF": f"{conf};{given}" if given else conf}
    if cluster is None:
        return environment | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}
    return environment | {"NDR_SPARK_MASTER": cluster.url, "SPARK_LOCAL_HOSTNAME": cluster.host}


def follow(cluster: Cluster) -> None:
    """Runs a worker until the master is gone, restarting the worker if it exits."""
    memory = f"{int(memory_bytes() * HEAP_SHARE) >> 20}m"
    worker = ("--host", cluster.host, "--memory", memory, "--work-dir", WORK_FOLDER, cluster.url)
    _wait_for_master(cluster)
    missed = 0
    while missed < POLLS_UNTIL_GONE:
        with _process("org.apache.spark.deploy.worker.Worker", *worker) as running:
            while missed < POLLS_UNTIL_GONE and running.poll() is None:
                time.sleep(POLL_SECONDS)
                missed = 0 if _answers(cluster) else missed + 1
        if missed < POLLS_UNTIL_GONE:
            click.echo(f"worker {cluster.host} exited with code {running.returncode}; restarting it", err=True)


def _wait_for_master(cluster: Cluster, master: subprocess.Popen[bytes] | None = None) -> None:
    def answers() -> bool | None:
        """None while it may come to answer."""
        return _answers(cluster) or (False if master and master.poll() is not None else None)

    place = f"{cluster.master}:{PORT}"
    if not polled(
        f"the Spark master at {place}", answers, first_pause_seconds=POLL_SECONDS, seconds=MASTER_START_SECONDS
    ):
        raise EngineError(
            f"no Spark master answers at {place}",
            "Check that host's log; the hosts of a job must reach each other on all ports",
        )


def _answers(cluster: Cluster) -> bool:
    try:
        with socket.create_connection((cluster.master, PORT), timeout=POLL_SECONDS):
            return True
    except OSError:
        return False


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running Spark process, terminated on exit."""
    home = os.environ.get("SPARK_HOME")
    if not home:
        raise EngineError("SPARK_HOME is not set", "Run this command in the image ndr-spark")
    with subprocess.Popen([f"{home}/bin/spark-class", *arguments]) as process:
        try:
            yield process
        finally:
            process.terminate()


@command(
    name="ndr-spark",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: ndr-spark ndr-fg-c --window 2026-03-10T13:08Z --lake demo/lake",
)
@click.argument("stage", type=click.Choice([stage.command for stage in STAGES if stage.is_step]), metavar="STAGE")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@version_option
@report_errors
def main(stage: str, arguments: tuple[str, ...]) -> None:
    """Run a stage with its arguments on classic Spark.

    The instances of a processing job form a cluster: the first is the master and runs the stage, the others are
    workers and exit with it.
    """
    engine = [] if "--engine" in arguments else ["--engine", "spark"]
    os.execvp(stage, [stage, *arguments, *engine])


main.help = "\n".join(
    (
        f"{cleandoc(main.help or '')}\n\n\b\nStages:",
        *(f"  {stage.command:22}{stage.summary}" for stage in STAGES if stage.is_step),
    )
)
