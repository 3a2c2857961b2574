"""Project files: one YAML file holds everything that the control plane knows about a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from common.config.loader import Settings
from common.config.orchestration import OrchestrationParameters
from common.config.project import ProjectParameters
from common.config.values import Name, matching

ORGANISATION = r"[^/#\s'\\]+/[^/#\s'\\]+"


class ProjectFile(Settings):
    """A project as its file describes it."""

    project_name: Name
    """Name of the project."""
    organisations: Annotated[
        tuple[Annotated[str, matching(ORGANISATION, "two names, like acme/emea")], ...], Field(min_length=1)
    ]
    """The `<org1>/<org2>` whose batches belong to the project, in addition to that of the ingestion prefix."""
    orchestration: OrchestrationParameters
    """Settings of the state machines."""
    feature_spec_version: Name = "v1"
    """Version of the feature specification."""
    settings: ProjectParameters = Field(default_factory=ProjectParameters)
    """The settings of the project, as stages take them by `--parameters`."""

    def routing(self) -> Iterator[tuple[str, str, str]]:
        """Both parts of each organisation, and the folder of its batches."""
        root = self.orchestration.ingestion_prefix.rsplit("/", 2)[0]
        for organisation in self.organisations:
            org1, _, org2 = organisation.partition("/")
            yield org1, org2, f"{root}/{organisation}"
