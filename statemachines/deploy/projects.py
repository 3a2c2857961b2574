"""Projects in the tables of the stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from common.config.documents import read_yaml
from common.config.dynamodb import seed_project, seed_routing
from common.config.loader import build_from
from common.config.project_file import ProjectFile


def read_project(path: Path) -> ProjectFile:
    """The project of a YAML file.

    Raises:
        ParameterError: the file is missing, not YAML, or has unknown, missing or wrong entries.
    """
    return build_from(ProjectFile, read_yaml(path))


def seed(project: ProjectFile, outputs: Mapping[str, str]) -> None:
    """Puts the parameters and the routing of the project into the tables of the stack.

    The project's batch index is that of the stack, unless its settings name another.

    Raises:
        AwsError: a call was refused.
    """
    names = (project.project_name, project.feature_spec_version)
    settings = {"batch_index_table": outputs["BatchIndexTable"], **project.settings.given()}
    seed_project(outputs["ProjectParametersTable"], *names, settings, project.orchestration)
    for org1, org2, prefix in project.routing():
        seed_routing(outputs["ProjectRoutingTable"], org1, org2, *names, prefix)
