"""What docker-bake.hcl describes."""

from __future__ import annotations

import json
import subprocess


def output(*command: str) -> str:
    """What a command printed.

    Raises:
        CalledProcessError: it failed; the reason stands on stderr.
    """
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def image_names() -> list[str]:
    """The images that are built by default."""
    plan = json.loads(output("docker", "buildx", "bake", "--progress", "quiet", "--print", "default"))
    return sorted(name for name, target in plan["target"].items() if target.get("tags"))
