"""An environment as its file describes it: everything that differs between environments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from common.config.documents import read_yaml
from common.config.loader import Settings, build_from
from common.errors import ParameterError
from statemachines.definitions import FOLDER
from statemachines.deploy.parts import PARTS, Part

FILES = FOLDER / "environments"
SUBSCRIBER = r"^([^\s:@]+@[^\s:@]+|arn:[a-z-]+:(sqs|lambda):\S+|https://\S+)$"


class Network(Settings):
    """Where the containers of steps are attached to a VPC."""

    subnets: Annotated[tuple[str, ...], Field(min_length=1)]
    """Subnets."""
    security_groups: Annotated[tuple[str, ...], Field(min_length=1)]
    """Security groups."""


class Environment(Settings):
    """What differs in an environment."""

    projects: tuple[str, ...] = ()
    """Files of its projects, beside this file or below it."""
    parts: tuple[Part, ...] = PARTS
    """Its parts."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """Parameters of the stacks."""
    pipeline_defaults: dict[str, str] = Field(default_factory=dict)
    """Defaults of parameters of the pipelines, instead of the committed ones."""
    trust_key: str | None = None
    """File of a public key, beside this file or below it: only releases that it verifies are deployed."""
    subscribers: tuple[Annotated[str, Field(pattern=SUBSCRIBER)], ...] = ()
    """Who is told by its topics: mail addresses, ARNs of queues and functions, web addresses."""
    network: Network | None = None
    """Where the containers of steps are attached to a VPC."""


def read_environment(name: str, folder: Path | None = None) -> tuple[Environment, list[Path]]:
    """An environment, and the files of its projects.

    Raises:
        ParameterError: there is no such file, or it has unknown or wrong entries.
    """
    folder = folder or FILES
    path = folder / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.yaml"))) or "none"
        raise ParameterError(f"there is no environment {name}", f"Make {path}; there are: {known}")
    found = build_from(Environment, read_yaml(path))
    return found, [folder / project for project in found.projects]


def trusted_key(described: Environment, folder: Path | None = None) -> Path | None:
    """The file of the public key that has to verify releases; None where nothing is checked."""
    return (folder or FILES) / described.trust_key if described.trust_key else None
