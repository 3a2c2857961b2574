"""Where project parameters are read from: a YAML file on disk or in S3, or an item of a DynamoDB table."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pyarrow import fs

from common.errors import ParameterError
from common.storage.filesystems import s3_filesystem

DYNAMODB = "dynamodb://"
TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
PARTITION_KEY, SORT_KEY = "project_name", "parameters"


def sort_key(feature_spec_version: str) -> str:
    """The sort key of a project's item for that feature specification."""
    return f"project_parameters#{feature_spec_version}"


@cache
def read_settings(source: str, project_name: str, feature_spec_version: str) -> Any:
    """What the source holds, not yet checked; of a table, the settings of the project's item.

    A process reads a source once: all it does follows from the same settings.

    Raises:
        ParameterError: the file or item is missing or unreadable.
        AwsError: DynamoDB refused the call or could not be reached.
    """
    if source.startswith(DYNAMODB):
        return _of_item(source.removeprefix(DYNAMODB), project_name, feature_spec_version)
    try:
        return yaml.safe_load(_text(source)) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"project parameters {source} are not YAML: {error}", "Correct the file") from None


def _text(source: str) -> str:
    try:
        if not source.startswith("s3://"):
            return Path(source).read_text(encoding="utf-8")
        files: fs.FileSystem = s3_filesystem()
        with files.open_input_stream(source.removeprefix("s3://")) as stream:
            return bytes(stream.read()).decode("utf-8")
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise ParameterError(
            f"project parameters {source} cannot be read: {reason}", "Check the path and the permissions"
        ) from None


def _of_item(table: str, project_name: str, feature_spec_version: str) -> Any:
    from common.aws.clients import aws_errors, client

    if not TABLE_NAME.fullmatch(table):
        raise ParameterError(f"{table!r} is no name of a DynamoDB table", "Write the source like dynamodb://<table>")
    place = f"table {table}, item {PARTITION_KEY}={project_name}, {SORT_KEY}={sort_key(feature_spec_version)}"
    with aws_errors(f"project parameters cannot be read: {place}"):
        found = client("dynamodb").get_item(
            TableName=table,
            Key={PARTITION_KEY: {"S": project_name}, SORT_KEY: {"S": sort_key(feature_spec_version)}},
            ConsistentRead=True,
        )
    if "Item" not in found:
        raise ParameterError(
            f"there are no project parameters: {place} does not exist",
            "Put the item there, or name the right --project-name and --feature-spec-version",
        )
    return parsed(found["Item"], "settings", place)


def parsed(item: dict[str, Any], attribute: str, place: str) -> Any:
    """The JSON of a text attribute of an item.

    Raises:
        ParameterError: the attribute is missing, no text, or no JSON.
    """
    text = item.get(attribute, {}).get("S")
    if text is None:
        raise ParameterError(f"{place} has no text attribute {attribute}", "Put the item there again")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ParameterError(f"{place}: attribute {attribute} is no JSON: {error}", "Correct it") from None
