"""The lakes of the projects that are deployed on the local AWS."""

from __future__ import annotations

import json

from localaws.cli.errors import LocalAwsError
from localaws.cli.process import LocalAws

TABLE = "project_parameters"


def lake_of(local: LocalAws, project: str | None) -> str:
    """The lake of a project; without a name, that of the only one.

    Raises:
        LocalAwsError: there is no such project, or several and no name.
    """
    lakes = {name: lake for name, lake in _lakes(local).items() if project in (None, name)}
    if len(lakes) == 1:
        return lakes.popitem()[1]
    if lakes:
        raise LocalAwsError(
            f"the local AWS has several projects: {', '.join(sorted(lakes))}", "Name one with --project-name"
        )
    raise LocalAwsError(
        f"the local AWS in {local.home} has no project{f' {project}' if project else ''}",
        f"Deploy one with: ndr-local up --home {local.home} --project FILE",
    )


def _lakes(local: LocalAws) -> dict[str, str]:
    """The lake of each project."""
    dynamodb = local.client("dynamodb")
    if TABLE not in dynamodb.list_tables()["TableNames"]:
        return {}
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE)
    return {
        item["project_name"]["S"]: json.loads(item["orchestration"]["S"])["lake_uri"]
        for page in pages
        for item in page["Items"]
        if "orchestration" in item
    }
