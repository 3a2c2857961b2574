"""Sources of project parameters: a YAML file on disk or in S3, or an item of a DynamoDB table."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.config.documents import Document, parse_yaml, read_yaml
from common.errors import ParameterError, first_line, one_line

if TYPE_CHECKING:
    from pyarrow import fs

DYNAMODB = "dynamodb://"
TABLE_NAME = r"[A-Za-z0-9_.-]{3,255}"
PARTITION_KEY, SORT_KEY = "project_name", "parameters"


def sort_key(feature_spec_version: str) -> str:
    """The sort key of a project's item for the feature specification."""
    return f"project_parameters#{feature_spec_version}"


@cache
def read_document(source: str, project_name: str, feature_spec_version: str) -> Document:
    """The unchecked project parameters of a source; for a table, those of the project's item.

    A process reads each source once, which keeps its parameters the same for the whole run.

    Raises:
        ParameterError: the file or item is missing or unreadable.
        AwsError: DynamoDB refused the call or cannot be reached.
    """
    if source.startswith(DYNAMODB):
        return _of_item(source.removeprefix(DYNAMODB), project_name, feature_spec_version)
    return read_file(source)


def read_file(source: str) -> Document:
    """The document of a YAML file on disk or in S3.

    Raises:
        ParameterError: the file is missing, unreadable or not YAML.
    """
    return parse_yaml(_of_bucket(source), source) if source.startswith("s3://") else read_yaml(Path(source))


def read_parameters(source: str, project_name: str, feature_spec_version: str) -> Any:
    """The values of `read_document`."""
    return read_document(source, project_name, feature_spec_version).values


def _of_bucket(uri: str) -> bytes:
    from common.storage.filesystems import s3_filesystem, without_scheme

    try:
        files: fs.FileSystem = s3_filesystem()
        with files.open_input_stream(without_scheme(uri)) as stream:
            return bytes(stream.read())
    except OSError as error:
        raise ParameterError(
            f"{uri} cannot be read: {error.strerror or first_line(error)}", "Check the path and the permissions"
        ) from None


def _of_item(table: str, project_name: str, feature_spec_version: str) -> Document:
    from common.aws.clients import aws_errors, client

    if not re.fullmatch(TABLE_NAME, table):
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


def parsed(item: dict[str, Any], attribute: str, place: str) -> Document:
    """The JSON of an item's text attribute.

    Raises:
        ParameterError: the attribute is missing, not a text, or not valid JSON.
    """
    text = item.get(attribute, {}).get("S")
    if text is None:
        raise ParameterError(f"{place} has no text attribute {attribute}", "Write the item again")
    try:
        return Document(f"{place}, attribute {attribute}", json.loads(text), root="$.")
    except (ValueError, RecursionError) as error:
        raise ParameterError(
            f"{place}: attribute {attribute} is not valid JSON: {one_line(error)}", "Correct the attribute"
        ) from None
