"""The definitions of the pipelines as committed, and how they are made."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from common.errors import NdrError
from common.runtime.sources import sources_digest
from common.storage.drafts import draft

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "pipelines" / "definitions"
SDK_ENVIRONMENT = ROOT / ".venv-pipelines"
CURRENT = ROOT / "build" / "pipelines-current"
"""Holds the digest of the committed definitions and of what they are built from, when they last agreed."""
SOURCES = ("common", "pipelines", "requirements/pipelines.txt")
# all that the SDK may know of AWS while it builds: its import fails without a region
OFFLINE = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "offline",
    "AWS_SECRET_ACCESS_KEY": "offline",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

Definition = dict[str, Any]


class DefinitionError(NdrError):
    """The definition of a pipeline is unknown, or definitions cannot be built."""


def names(folder: Path = FOLDER) -> list[str]:
    """The names of the pipelines that have a definition."""
    return sorted(path.stem for path in folder.glob("*.json"))


def load(name: str, folder: Path = FOLDER) -> Definition:
    """The definition of a pipeline."""
    path = folder / f"{name}.json"
    try:
        definition: Definition = json.loads(path.read_text())
    except FileNotFoundError:
        raise DefinitionError(f"there is no pipeline {name!r}", f"Choose one of {', '.join(names(folder))}") from None
    except ValueError as error:
        raise DefinitionError(f"{path} is not JSON: {error}", "Regenerate it with make pipelines-definitions") from None
    return definition


def to_text(definition: Definition) -> str:
    """The definition as it is committed."""
    return json.dumps(definition, indent=2, sort_keys=True) + "\n"


def build(environment: Path = SDK_ENVIRONMENT) -> dict[str, Definition]:
    """The definition of each pipeline of the catalog, built by the SageMaker SDK in its own environment."""
    python = environment / "bin" / "python"
    if not python.exists():
        raise DefinitionError(
            f"the environment of the SageMaker SDK, {environment}, is missing",
            "Run make pipelines-definitions in a checkout of the repository, which sets it up",
        )
    command = [str(python), "-m", "pipelines.build"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    run = subprocess.run(command, cwd=ROOT, env=kept | OFFLINE, capture_output=True, text=True, check=False)
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1]
        raise DefinitionError(
            f"the SageMaker SDK in {environment} cannot build the pipelines: {reason}",
            f"Run {' '.join(command)} in {ROOT} with AWS_DEFAULT_REGION set to see where; "
            "if packages are missing, remove the environment and run make pipelines-definitions",
        )
    built: dict[str, Definition] = json.loads(run.stdout)
    return built


def stale(built: Mapping[str, Definition], folder: Path = FOLDER) -> list[str]:
    """The names of committed definitions that are missing, different from what was built, or left over."""
    committed = {path.stem: path.read_text() for path in folder.glob("*.json")}
    wanted = {name: to_text(definition) for name, definition in built.items()}
    return sorted(name for name in committed | wanted if committed.get(name) != wanted.get(name))


def check_current() -> None:
    """Refuses committed definitions that are not what the code builds; without a checkout, there is no code.

    Builds them only if these or the code are different since they last agreed.

    Raises:
        DefinitionError: some differ, or they cannot be built.
    """
    if not (ROOT / "pyproject.toml").exists():
        return
    digest = sources_digest(ROOT, SOURCES)
    if CURRENT.exists() and CURRENT.read_text() == digest:
        return
    refuse(stale(build()))
    try:
        CURRENT.parent.mkdir(exist_ok=True)
        with draft(CURRENT) as path:
            path.write_text(digest)
    except OSError as error:
        raise DefinitionError(f"{CURRENT} cannot be written: {error}", "Make the folder writable") from None


def refuse(stale: Iterable[str]) -> None:
    """Raises an error with the names of the definitions that are not current, where there are any.

    Raises:
        DefinitionError: there are.
    """
    if named := ", ".join(stale):
        raise DefinitionError(
            f"the committed definitions of {named} are not what pipelines/ builds",
            "Run make pipelines-definitions and commit the result",
        )


def write(built: Mapping[str, Definition], folder: Path = FOLDER) -> None:
    """Makes the folder hold exactly what was built."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in set(names(folder)) - set(built):
        (folder / f"{name}.json").unlink()
    for name, definition in built.items():
        (folder / f"{name}.json").write_text(to_text(definition))
