"""Sources of project parameters: a YAML file on disk or in S3, or an item of a DynamoDB table."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pyarrow import fs

from common.errors import ParameterError, first_line
from common.storage.filesystems import s3_filesystem, without_scheme

DYNAMODB = "dynamodb://"
TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
PARTITION_KEY, SORT_KEY = "project_name", "parameters"


def sort_key(feature_spec_version: str) -> str:
    """The sort key of a project's item for the feature specification."""
    return f"project_parameters#{feature_spec_version}"


@cache
def read_parameters(source: str, project_name: str, feature_spec_version: str) -> Any:
    """The unchecked project parameters of a source; for a table, those of the project's item.

    A process reads each source once, which keeps its parameters the same for the whole run.

    Raises:
        ParameterError: the file or item is missing or unreadable.
        AwsError: DynamoDB refused the call or cannot be reached.
    """
    if source.startswith(DYNAMODB):
        return _of_item(source.removeprefix(DYNAMODB), project_name, feature_spec_version)
    try:
        return yaml.safe_load(_text(source)) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"project parameters {source} are not valid YAML: {error}", "Correct the file") from None


def _text(source: str) -> str:
    try:
        if not source.startswith("s3://"):
            return Path(source).read_text(encoding="utf-8")
        files: fs.FileSystem = s3_filesystem()
        with files.open_input_stream(without_scheme(source)) as stream:
            return bytes(stream.read()).decode("utf-8")
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise ParameterError(
            f"project parameters {source} cannot be read: {reason}", "Check the path and the permissions"
        ) from None


def _of_item(table: str, project_name: str, feature_spec_version: str) -> Any:
    from common.aws.clients import aws_errors, client

    if not TABLE_NAME.fullmatch(table):
        raise ParameterError(f"{table!r} is not a valid DynamoDB table name", "Give the source as dynamodb://<table>")
    place = f"table {table}, item {PARTITION_KEY}={project_name}, {SORT_KEY}={sort_key(feature_spec_version)}"
    with aws_errors(f"project parameters cannot be read: {place}"):
        found = client("dynamodb").get_item(
            TableName=table,
            Key={PARTITION_KEY: {"S": project_name}, SORT_KEY: {"S": sort_key(feature_spec_version)}},
            ConsistentRead=True,
        )
    if "Item" not in found:
        raise ParameterError(
            f"project parameters not found: {place} does not exist",
            "Write the item, or correct --project-name and --feature-spec-version",
        )
    return parsed(found["Item"], "settings", place)


def parsed(item: dict[str, Any], attribute: str, place: str) -> Any:
    """The parsed JSON of an item's text attribute.

    Raises:
        ParameterError: the attribute is missing, not a text, or not valid JSON.
    """
    text = item.get(attribute, {}).get("S")
    if text is None:
        raise ParameterError(f"{place} has no text attribute {attribute}", "Write the item again")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ParameterError(
            f"{place}: attribute {attribute} is not valid JSON: {error}", "Correct the attribute"
        ) from None
