"""What a Glue job runs: the command that its script is named like, with the arguments that Glue passes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

# parameters that Glue does not pass to the script
_GLUES_OWN = (
    "--enable-",
    "--job-",
    "--continuous-log-",
    "--extra-",
    "--TempDir",
    "--conf",
    "--additional-python-modules",
)


def command_of(script: str) -> str:
    """The command that a script stands for: its file name in kebab-case."""
    return PurePosixPath(script).stem.replace("_", "-")


def arguments_of(job: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """The command line of a run: the job's arguments overridden by the run's, without Glue's own parameters."""
    merged = {**(job.get("DefaultArguments") or {}), **given, **(job.get("NonOverridableArguments") or {})}
    line: list[str] = []
    for name, value in merged.items():
        if not name.startswith(_GLUES_OWN):
            line += [name] if value == "" else [name, str(value)]
    return line
