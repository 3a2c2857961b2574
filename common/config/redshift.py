"""How a project reaches Redshift."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from common.config.loader import Settings
from common.config.values import IDENTIFIER, ROLE_ARN, Seconds, SqlName, Text, matching, wrong
from common.errors import ParameterError

InventoryColumn = Literal["host_ip", "machine_name", "is_active", "owner", "role", "criticality"]
INVENTORY_COLUMNS: tuple[InventoryColumn, ...] = ("host_ip", "machine_name", "is_active")
INVENTORY_EXTRAS: tuple[InventoryColumn, ...] = ("owner", "role", "criticality")
"""What a table need not have: taken from the columns that `inventory_columns` names."""


def check_identifier(value: str, name: str) -> None:
    """Checks that the value is a plain SQL identifier.

    Raises:
        ParameterError: it is not.
    """
    if not re.fullmatch(IDENTIFIER, value):
        raise ParameterError(f"{name} is {value!r}", "Give a name of letters, digits and underscores")


class RedshiftParameters(Settings):
    """The connection to Redshift through its Data API, and the names of its tables.

    Give either `workgroup_name` (serverless) or `cluster_identifier`, the latter with `secret_arn` or `db_user`; a
    workgroup without a secret uses the caller's identity.
    """

    database: Text
    """Database."""
    iam_role_arn: Annotated[str, matching(f"default|{ROLE_ARN}", "the ARN of a role, or default")]
    """Role that UNLOAD and COPY use in S3: its ARN, or the word `default`."""
    workgroup_name: Text | None = None
    """Workgroup of Redshift Serverless."""
    cluster_identifier: Text | None = None
    """Provisioned cluster."""
    secret_arn: Text | None = None
    """Secret with the login."""
    db_user: Text | None = None
    """Database user of a provisioned cluster, in place of a secret."""
    schema_name: SqlName = Field(default="public", alias="schema")
    """Schema of the tables below."""
    inventory_query_table: SqlName = "machine_inventory"
    """Table or view with one row per machine."""
    inventory_columns: Mapping[InventoryColumn, SqlName] = Field(default_factory=dict)
    """Column for `host_ip`, `machine_name` or `is_active` where it has another name, and for `owner`, `role` and
    `criticality` (critical, high, medium, low) where there is one."""
    inventory_month_column: SqlName | None = None
    """Column that holds a month, YYYY-MM; only rows of the wanted month are taken."""
    publication_table: SqlName = "prediction_join"
    """Table for `ndr-join --destination redshift`; created if it does not exist."""
    statement_timeout_seconds: Seconds = 900.0
    """Time after which a statement is cancelled."""
    poll_seconds: Seconds = 1.0
    """Time between polls of a running statement; at most the timeout."""

    @field_validator("poll_seconds")
    @classmethod
    def _within_timeout(cls, seconds: float, info: ValidationInfo) -> float:
        timeout = info.data.get("statement_timeout_seconds", seconds)
        if seconds > timeout:
            raise wrong(f"is {seconds:g}, longer than the timeout", f"Give at most {timeout:g}")
        return seconds

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if (self.workgroup_name is None) == (self.cluster_identifier is None):
            raise wrong("must name either a workgroup or a cluster", "Give either workgroup_name or cluster_identifier")
        if self.secret_arn and self.db_user:
            raise wrong("has both secret_arn and db_user", "Give one of them")
        if self.cluster_identifier and not (self.secret_arn or self.db_user):
            raise wrong(f"has no login for cluster {self.cluster_identifier}", "Give secret_arn or db_user")
        if self.workgroup_name and self.db_user:
            raise wrong("has db_user, but a workgroup has no database user", "Leave it out, or give secret_arn")
        return self
