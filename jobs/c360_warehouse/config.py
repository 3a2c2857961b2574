"""Configuration of the warehouse: what its scripts name, and what a load needs."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from common.errors import ParameterError

_PLAIN = re.compile(r"[^'\\$;{}\n]+")
_NAMES = ("database", "schema", "warehouse", "loader_role", "reader_role", "integration")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class LoadConfig:
    """What to load and where to.

    Attributes:
        database: the folder of the local database.
        least_resolved_share: of the events, those that must have a customer and a plan, between 0 and 1.
        reload: whether a snapshot that is loaded already is loaded again.
    """

    staging_uri: str
    database: Path
    least_resolved_share: float = 0.95
    reload: bool = False

    def __post_init__(self) -> None:
        check_share(self.least_resolved_share)


@dataclass(frozen=True)
class Deployment:
    """What the scripts name: the parameters in the statements of `account`, `stage`, `tables`, `reading` and `tasks`.

    Attributes:
        staging: the URI of the zone `staging`, s3://bucket/prefix.
        aws_role_arn: the role that Snowflake takes on to read it.
        cron: when a load starts, with its time zone.
    """

    staging: str
    aws_role_arn: str
    database: str = "C360"
    schema: str = "WAREHOUSE"
    warehouse: str = "C360_LOAD"
    loader_role: str = "C360_LOADER"
    reader_role: str = "C360_READER"
    integration: str = "C360_STAGING"
    cron: str = "30 4 * * * UTC"
    least_resolved_share: float = 0.95

    def __post_init__(self) -> None:
        check_share(self.least_resolved_share)
        if not self.staging.startswith("s3://"):
            raise ParameterError(f"--staging {self.staging} is no place that Snowflake reads", "Give an s3:// URI")
        for name, value in self.values.items():
            if not (_IDENTIFIER if name in _NAMES else _PLAIN).fullmatch(value):
                what = "name of Snowflake" if name in _NAMES else "value of a script"
                raise ParameterError(f"--{name.replace('_', '-')} {value!r} is no {what}", "Give another one")

    @property
    def values(self) -> dict[str, str]:
        """The parameters as text, by name."""
        return {name: str(value) for name, value in asdict(self).items()}


def check_share(share: float) -> None:
    """Checks the share of events that must be resolved.

    Raises:
        ParameterError: it is none.
    """
    if not 0 <= share <= 1:
        raise ParameterError(f"--least-resolved-share {share} is no share", "Give one from 0 to 1")
