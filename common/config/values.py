"""The types of single settings: each says which values it takes, to the reader, to the check and to editors."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from common.config.sources import TABLE_NAME
from common.errors import ParameterError

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]{0,126}"
ROLE_ARN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+"
BUCKET = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
S3_URI = rf"{BUCKET}(/[^\s'\\]*)?"
ZONE_NAME = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
OFFSET = re.compile(r"(UTC)?[+-]([01][0-9]|2[0-3]):?[0-5][0-9]|Z")


def matching(pattern: str, wanted: str) -> Any:
    """The constraint of a text that matches the pattern as a whole; `wanted` says in words what matches."""
    return Field(pattern=f"^({pattern})$", json_schema_extra={"errorMessage": f"Give {wanted}"})


def wrong(problem: str, remedy: str) -> PydanticCustomError:
    """What a validator raises where its field's type cannot say what is wrong; the message begins with the name."""
    return PydanticCustomError("wrong", "{problem}", {"problem": problem, "remedy": remedy})


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("there is no such zone") from None
    return name


def _zone_or_offset(name: str) -> str:
    return name if OFFSET.fullmatch(name) else _zone(name)


def without_last_slash(uri: str) -> str:
    """The URI of the folder, in the form that names of files are added to."""
    return uri.rstrip("/")


Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Hour = Annotated[int, Field(ge=0, le=24)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, matching(r"[^#/]+", "a name without # and /")]
EntryName = Annotated[str, matching("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "a name of letters, digits, hyphens and dots")]
TableName = Annotated[str, matching(TABLE_NAME, "a DynamoDB table, of 3 to 255 letters, digits and _.-")]
SqlName = Annotated[str, matching(IDENTIFIER, "a name of letters, digits and underscores")]
RoleArn = Annotated[str, matching(ROLE_ARN, "the ARN of a role")]
TableFile = Annotated[str, matching(r".*[^/]\.(csv|parquet)", "a file like s3://bucket/table.csv, or one in Parquet")]
S3Folder = Annotated[str, matching(S3_URI, "a folder like s3://bucket/folder"), AfterValidator(without_last_slash)]
Network = Annotated[
    str, matching(r"[0-9A-Fa-f.:]+(/[0-9.]+)?", "an IP prefix like 10.0.0.0/8"), AfterValidator(_network)
]
TimeZone = Annotated[str, matching(ZONE_NAME, "an IANA time zone like Europe/Berlin"), AfterValidator(_zone)]
LogTimeZone = Annotated[
    str,
    matching(rf"{ZONE_NAME}|{OFFSET.pattern}", "an IANA time zone like Europe/Berlin, or an offset like +02:00"),
    AfterValidator(_zone_or_offset),
]


class Named(Protocol):
    """An entry of a list that is known by its name."""

    @property
    def name(self) -> str:
        """The name."""


def require_names(entries: Iterable[Named]) -> None:
    """Refuses several entries of one name, as a validator does."""
    twice = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if twice:
        raise wrong(f"has several entries with the name {twice[0]}", "Give each a name of its own")


def s3_folder(value: str, name: str) -> str:
    """The s3:// URI without its trailing slash.

    Raises:
        ParameterError: it is not an s3:// URI.
    """
    if not re.fullmatch(S3_URI, value):
        raise ParameterError(f"{name} is {value!r}", "Give a folder like s3://bucket/folder")
    return without_last_slash(value)
