"""Project files: one YAML file holds everything that the control plane knows about a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from common.config.dynamodb import project_item, routing_item, seed_project, seed_routing
from common.config.loader import build
from common.config.orchestration import OrchestrationParameters
from common.errors import ParameterError


@dataclass(frozen=True)
class ProjectFile:
    """A project as its file describes it.

    `organisations` are the `<org1>/<org2>` whose batches belong to it, in addition to that of the ingestion prefix;
    `settings` are the values of `--parameters`, `orchestration` those of the state machines.
    """

    project_name: str
    organisations: tuple[str, ...]
    orchestration: OrchestrationParameters
    feature_spec_version: str = "v1"
    settings: Mapping[str, Any] = field(default_factory=dict)


def read_project(path: Path) -> ProjectFile:
    """The project of a YAML file.

    Raises:
        ParameterError: the file is missing, not YAML, or has unknown, missing or wrong entries.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"the project file {path} cannot be read: {error.strerror}", "Check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"the project file {path} is not YAML: {error}", "Correct the file") from None
    settings = raw.pop("settings", {}) if isinstance(raw, dict) else {}
    project = replace(build(ProjectFile, raw, str(path)), settings=settings)
    if not project.organisations:
        raise ParameterError(f"{path} names no organisations", "Give a list like organisations: [acme/emea]")
    # finds a wrong value before anything is deployed
    project_item(*_names(project), project.settings, project.orchestration)
    for org1, org2, prefix in _routing(project):
        routing_item(org1, org2, *_names(project), prefix)
    return project


def seed(project: ProjectFile, outputs: Mapping[str, str]) -> None:
    """Puts the parameters and the routing of the project into the tables of the stack.

    The project's batch index is that of the stack, unless its settings name another.

    Raises:
        AwsError: a call was refused.
    """
    settings = {"batch_index_table": outputs["BatchIndexTable"], **project.settings}
    seed_project(outputs["ProjectParametersTable"], *_names(project), settings, project.orchestration)
    for org1, org2, prefix in _routing(project):
        seed_routing(outputs["ProjectRoutingTable"], org1, org2, *_names(project), prefix)


def _names(project: ProjectFile) -> tuple[str, str]:
    return project.project_name, project.feature_spec_version


def _routing(project: ProjectFile) -> Iterator[tuple[str, str, str]]:
    """Both parts of each organisation, and the folder of its batches."""
    root = project.orchestration.ingestion_prefix.rsplit("/", 2)[0]
    for organisation in project.organisations:
        org1, _, org2 = organisation.partition("/")
        yield org1, org2, f"{root}/{organisation}"
