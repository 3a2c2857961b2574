"""Runs images as cautiously as one can: no network, nothing to write on but what is mounted, no privileges."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.checkout import ROOT

CAUTIOUS = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--pids-limit", "512", "--memory", "1g", "--memory-swap", "1g")  # fmt: skip
# the JVM loads libraries from /tmp, and takes more memory
SPARK = ("--tmpfs", "/tmp:exec", "--memory", "2g", "--memory-swap", "2g")
# for a small lake on few cores: few tasks, no compilation that pays off only after minutes
SMALL_SPARK = ("--env", "NDR_SPARK_CONF=spark.sql.shuffle.partitions=4",
               "--env", "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # fmt: skip
Done = subprocess.CompletedProcess[str]


def bake_plan(*targets: str) -> dict[str, Any]:
    """The bake file as buildx reads it: groups and targets."""
    command = ["docker", "buildx", "bake", "--progress", "quiet", "--print", *targets]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    plan: dict[str, Any] = json.loads(printed.stdout)
    return plan


def image_names() -> list[str]:
    """The images that are built by default."""
    return sorted(name for name, target in bake_plan("default")["target"].items() if target.get("tags"))


def run_image(
    image: str, *arguments: str, folder: Path | None = None, network: str = "none", options: Sequence[str] = ()
) -> Done:
    """The result of the image's command; what lies in the folder is mounted at the root."""
    mounts = [part for path in (folder.iterdir() if folder else ()) for part in ("-v", f"{path}:/{path.name}")]
    more = SPARK if image == "ndr-spark" else ()
    command = ["docker", "run", "--rm", "--network", network, *CAUTIOUS, *more, *mounts, *options, image, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run_example(line: str, folder: Path, network: str = "none", options: Sequence[str] = ()) -> Done:
    """The result of a line of a shell that begins with docker run, in the folder, cautiously."""
    cautious = (*CAUTIOUS, *SPARK) if " ndr-spark " in line else CAUTIOUS
    careful = line.replace("docker run", f"docker run {shlex.join(['--network', network, *cautious, *options])}", 1)
    return subprocess.run(["bash", "-c", careful], cwd=folder, capture_output=True, text=True, check=False)


def example_of(help_text: str) -> str:
    """The example that the help of an image shows."""
    found = re.search(r"Example:\n\s+(docker run .*)", help_text)
    assert found, f"no example in:\n{help_text}"
    return found[1]


def inspect(image: str) -> dict[str, Any]:
    """The configuration of an image."""
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=True)
    config: dict[str, Any] = json.loads(done.stdout)[0]
    return config
