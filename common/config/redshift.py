"""How a project reaches Redshift."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from common.errors import ParameterError

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,126}")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+")
INVENTORY_COLUMNS = ("host_ip", "machine_name", "is_active")


def check_identifier(value: str, name: str) -> None:
    """Checks that the value is a plain SQL identifier.

    Raises:
        ParameterError: it is not.
    """
    if not IDENTIFIER.fullmatch(value):
        raise ParameterError(f"project parameter {name} is {value!r}", "Give a name of letters, digits and underscores")


@dataclass(frozen=True)
class RedshiftParameters:
    """The connection to Redshift through its Data API, and the names of its tables.

    Give either `workgroup_name` (serverless) or `cluster_identifier`, the latter with `secret_arn` or `db_user`; a
    workgroup without a secret uses the caller's identity.
    """

    database: str
    """Database."""
    iam_role_arn: str
    """Role that UNLOAD and COPY use in S3: its ARN, or the word `default`."""
    workgroup_name: str | None = None
    """Workgroup of Redshift Serverless."""
    cluster_identifier: str | None = None
    """Provisioned cluster."""
    secret_arn: str | None = None
    """Secret with the login."""
    db_user: str | None = None
    """Database user of a provisioned cluster, in place of a secret."""
    schema: str = "public"
    """Schema of the tables below."""
    inventory_query_table: str = "machine_inventory"
    """Table or view with one row per machine."""
    inventory_columns: Mapping[str, str] = field(default_factory=dict)
    """Column for `host_ip`, `machine_name` or `is_active` where it has another name."""
    inventory_month_column: str | None = None
    """Column that holds a month, YYYY-MM; only rows of the wanted month are taken."""
    publication_table: str = "prediction_join"
    """Table for `ndr-join --destination redshift`; created if it does not exist."""
    statement_timeout_seconds: float = 900.0
    """Time after which a statement is cancelled."""
    poll_seconds: float = 1.0
    """Time between polls of a running statement."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            if getattr(self, entry.name) == "":
                raise ParameterError(
                    f"project parameter redshift.{entry.name} is empty", "Give a value, or leave it out"
                )
        for name in ("schema", "inventory_query_table", "inventory_month_column", "publication_table"):
            if (value := getattr(self, name)) is not None:
                check_identifier(value, f"redshift.{name}")
        for name, column in self.inventory_columns.items():
            if name not in INVENTORY_COLUMNS:
                raise ParameterError(
                    f"project parameter redshift.inventory_columns has {name!r}",
                    f"Map only {', '.join(INVENTORY_COLUMNS)}",
                )
            check_identifier(column, f"redshift.inventory_columns.{name}")
        if not (self.iam_role_arn == "default" or ROLE_ARN.fullmatch(self.iam_role_arn)):
            raise ParameterError(
                f"project parameter redshift.iam_role_arn is {self.iam_role_arn!r}",
                "Give the ARN of a role, or default",
            )
        if (self.workgroup_name is None) == (self.cluster_identifier is None):
            raise ParameterError(
                "project parameter redshift must name either a workgroup or a cluster",
                "Give either workgroup_name or cluster_identifier",
            )
        if self.secret_arn and self.db_user:
            raise ParameterError("project parameter redshift has both secret_arn and db_user", "Give one of them")
        if self.cluster_identifier and not (self.secret_arn or self.db_user):
            raise ParameterError(
                f"project parameter redshift has no login for cluster {self.cluster_identifier}",
                "Give secret_arn or db_user",
            )
        if self.workgroup_name and self.db_user:
            raise ParameterError(
                f"project parameter redshift.db_user is {self.db_user!r}, but a workgroup has no database user",
                "Leave it out, or give secret_arn",
            )
        if not 0 < self.poll_seconds <= self.statement_timeout_seconds:
            raise ParameterError(
                f"project parameters redshift.poll_seconds and statement_timeout_seconds are {self.poll_seconds:g} and "
                f"{self.statement_timeout_seconds:g}",
                "Give poll_seconds above 0 and at most the timeout",
            )
