"""The build plan in docker-bake.hcl."""

from __future__ import annotations

import json
import subprocess


def output(*command: str) -> str:
    """The stdout of a command.

    Raises:
        CalledProcessError: it failed; its error is on stderr.
    """
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def image_names() -> list[str]:
    """The names of the images built by default."""
    plan = json.loads(output("docker", "buildx", "bake", "--progress", "quiet", "--print", "default"))
    return sorted(name for name, target in plan["target"].items() if target.get("tags"))
