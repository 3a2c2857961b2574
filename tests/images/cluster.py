"""The instances of a processing job: containers on a network, each with the resource configuration of SageMaker."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.images.containers import SMALL_SPARK

HOSTS = ("algo-1", "algo-2", "algo-3")
RESOURCES = "/opt/ml/config/resourceconfig.json"


def docker(*arguments: str) -> str:
    """What a docker command printed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@dataclass
class Job:
    """The containers of a job, by host name."""

    folder: Path
    network: str = field(default_factory=lambda: f"ndr-{uuid.uuid4().hex[:8]}")
    containers: dict[str, str] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """The address of this machine in the network."""
        return docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", self.network)

    def start(self, image: str, arguments: Sequence[str], options: Sequence[str]) -> None:
        """Starts all instances with the same arguments."""
        for host in HOSTS:
            path = self.folder / f"{host}.json"
            path.write_text(json.dumps({"current_host": host, "hosts": HOSTS, "network_interface_name": "eth0"}))
            place = ("--network", self.network, "--hostname", host, "--network-alias", host)
            more = ("--volume", f"{path}:{RESOURCES}:ro", "--memory", "2g", *SMALL_SPARK)
            self.containers[host] = docker("run", "--detach", *place, *more, *options, image, *arguments)

    def output(self, host: str) -> tuple[str, str]:
        """What an instance has written so far, on stdout and stderr."""
        done = subprocess.run(["docker", "logs", self.containers[host]], capture_output=True, text=True, check=True)
        return done.stdout, done.stderr

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Waits for the condition, checked twice a second."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.output(HOSTS[0])[1][-3000:]
            time.sleep(0.5)

    def kill_when(self, condition: Callable[[], bool], host: str) -> None:
        """Kills an instance as soon as the condition holds and its executor has worked in Python."""
        self.wait_until(lambda: condition() and "pyspark.daemon" in docker("top", self.containers[host]), 300)
        docker("kill", self.containers[host])

    def exit_codes(self) -> dict[str, int]:
        """How the instances ended, when all have."""
        return {host: int(docker("wait", container)) for host, container in self.containers.items()}


@contextmanager
def job(folder: Path) -> Iterator[Job]:
    """A job without instances yet; nothing of it is left afterwards."""
    created = Job(folder)
    docker("network", "create", created.network)
    try:
        yield created
    finally:
        for container in created.containers.values():
            docker("rm", "--force", container)
        docker("network", "rm", created.network)
