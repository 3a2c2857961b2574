"""Projects in the tables of the stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from common.config.documents import read_yaml
from common.config.dynamodb import Item, project_item, project_names, routing_item, seed_project, seed_routing
from common.config.loader import build_from
from common.config.project_file import ProjectFile
from common.features.spec import load_spec
from common.lake.learning import days_needed
from statemachines.deploy.schedules import put_for_project


def read_project(path: Path) -> ProjectFile:
    """The project of a YAML file.

    Raises:
        ParameterError: the file is missing, not YAML, or has unknown, missing or wrong entries.
    """
    return build_from(ProjectFile, read_yaml(path))


def seed(project: ProjectFile, outputs: Mapping[str, str]) -> None:
    """Puts the parameters and the routing of the project into the tables of the stack.

    The project's batch index is that of the stack, and the folders of its logs are those of its organisations, unless
    its settings name others.

    Raises:
        AwsError: a call was refused.
    """
    names = (project.project_name, project.feature_spec_version)
    seed_project(outputs["ProjectParametersTable"], *names, _settings(project, outputs), project.orchestration)
    for org1, org2, prefix in project.routing():
        seed_routing(outputs["ProjectRoutingTable"], org1, org2, *names, prefix)


def items_of(project: ProjectFile, outputs: Mapping[str, str]) -> Iterator[tuple[str, Item]]:
    """The table and the item of each thing that `seed` writes of the project."""
    names = (project.project_name, project.feature_spec_version)
    own = project_item(*names, _settings(project, outputs), project.orchestration)
    yield outputs["ProjectParametersTable"], own
    for org1, org2, prefix in project.routing():
        yield outputs["ProjectRoutingTable"], routing_item(org1, org2, *names, prefix)


def _settings(project: ProjectFile, outputs: Mapping[str, str]) -> dict[str, Any]:
    folders = (project.orchestration.ingestion_prefix, *(prefix for _, _, prefix in project.routing()))
    own = {"batch_index_table": outputs["BatchIndexTable"], "ingestion_prefixes": list(dict.fromkeys(folders))}
    return own | project.settings.given()


def deploy_project(
    scheduler: Any, project: ProjectFile, outputs: Mapping[str, str], former: Mapping[str, Any] | None = None
) -> None:
    """Puts the project into the tables of the stack, and its schedules beside those that are there.

    `former` are the schedules that an earlier stack had for the project.

    Raises:
        DeploymentError: schedules cannot have the project's name.
        AwsError: a call was refused.
    """
    name = project.project_name
    new = name not in project_names(outputs["ProjectParametersTable"])
    seed(project, outputs)
    lake = project.orchestration.lake_uri
    put_for_project(scheduler, outputs, name, message_of(project), former or {}, lake, new)


def message_of(project: ProjectFile) -> dict[str, Any]:
    """What machines are told of a project, beside its name: its version, and the days of history that it grows for."""
    horizon = project.settings.horizon_of_model(load_spec(project.feature_spec_version))
    return {"feature_spec_version": project.feature_spec_version, "grow_days": days_needed(horizon)}
