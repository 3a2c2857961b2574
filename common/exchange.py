"""Where Redshift and the stages exchange files: a folder in S3."""

from __future__ import annotations

from common.errors import ParameterError
from common.lake import Lake
from common.project import ProjectParameters
from common.project_groups import RedshiftParameters


def redshift_of(project: ProjectParameters, project_name: str) -> RedshiftParameters:
    """How the project reaches Redshift.

    Raises:
        ParameterError: it has none.
    """
    if project.redshift is None:
        raise ParameterError(
            f"project {project_name} has no parameters redshift",
            "Add the group redshift (workgroup_name, database, iam_role_arn, ...) to the project parameters",
        )
    return project.redshift


def exchange_folder(project: ProjectParameters, project_name: str, lake: Lake, name: str) -> str:
    """The s3:// URI of a folder of that name: below the project's staging prefix if it has one, else in the lake.

    Raises:
        ParameterError: there is no prefix, and the lake is not in S3.
    """
    if project.staging_prefix:
        return f"{project.staging_prefix}/{project_name}/{name}"
    if lake.is_remote:
        return f"{lake.uri}/{name}"
    raise ParameterError(
        f"project {project_name} has no staging_prefix, and its lake {lake.uri} is not in S3, where Redshift reads and "
        "writes files",
        "Add staging_prefix, an s3:// URI, to the project parameters",
    )
