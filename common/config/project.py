"""Project parameters: what differs from one monitored network to the next."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.config.loader import build, s3_folder
from common.config.redshift import RedshiftParameters
from common.config.sources import read_parameters
from common.config.training import TrainingParameters
from common.errors import ParameterError
from common.features.spec import Horizon

DEFAULT_INTERNAL_CIDRS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


@dataclass(frozen=True)
class PublicationParameters:
    """Publication of predictions in S3: `s3_prefix` is the s3:// URI of the target folder."""

    s3_prefix: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "s3_prefix", s3_folder(self.s3_prefix, "publication.s3_prefix"))


@dataclass(frozen=True)
class ProjectParameters:
    """The parameters of a project, with their defaults.

    `working_hours` and `off_hours` are half-open ranges of local hours in `time_zone`; `weekend_days` are ISO weekdays
    (6 = Saturday). `segments` maps an IP prefix to a name; an address outside all prefixes belongs to its /24 (IPv4)
    or /64 (IPv6). `horizons` overrides those of the feature specification. `column_mapping` maps canonical column
    names to those of a Parquet file. `training` is described in `common.config.training`.

    Only stages in AWS need `redshift`, `publication`, `staging_prefix` (the s3:// URI below which UNLOAD and COPY
    stage files) and `batch_index_table` (the DynamoDB table of the mini-batches received).
    """

    time_zone: str = "UTC"
    log_time_zone: str = "UTC"
    internal_cidrs: tuple[str, ...] = DEFAULT_INTERNAL_CIDRS
    segments: Mapping[str, str] = field(default_factory=dict)
    high_risk_segments: tuple[str, ...] = ()
    working_hours: tuple[int, int] = (7, 17)
    off_hours: tuple[int, int] = (17, 22)
    weekend_days: tuple[int, ...] = (6, 7)
    allowed_lateness_minutes: float = 15.0
    max_rejected_ratio: float = 0.05
    horizons: Mapping[str, Horizon] = field(default_factory=dict)
    model_horizon: str = "7d"
    non_persistent_prefixes: tuple[str, ...] = ("vdi-", "nph-")
    column_mapping: Mapping[str, str] = field(default_factory=dict)
    redshift: RedshiftParameters | None = None
    publication: PublicationParameters | None = None
    staging_prefix: str | None = None
    batch_index_table: str | None = None
    training: TrainingParameters = field(default_factory=TrainingParameters)

    def __post_init__(self) -> None:
        for name in (*self.internal_cidrs, *self.segments):
            _check(name, ipaddress.ip_network, "internal_cidrs or segments", "an IP prefix")
        _check(self.time_zone, ZoneInfo, "time_zone", "an IANA time zone")
        for name in ("working_hours", "off_hours"):
            hours = getattr(self, name)
            if len(hours) != 2 or not 0 <= hours[0] <= hours[1] <= 24:
                raise ParameterError(f"project parameter {name} is {hours}", "Give two hours, 0 to 24, in order")
        if not 0 <= self.max_rejected_ratio <= 1:
            raise ParameterError(
                f"project parameter max_rejected_ratio is {self.max_rejected_ratio}", "Give a share from 0 to 1"
            )
        if self.allowed_lateness_minutes < 0:
            raise ParameterError(
                f"project parameter allowed_lateness_minutes is {self.allowed_lateness_minutes}", "Give 0 or more"
            )
        for name, horizon in self.horizons.items():
            if not (horizon.days > 0 and horizon.gap_days >= 0):
                raise ParameterError(
                    f"project parameter horizons.{name} is {horizon}", "Give days > 0 and gap_days >= 0"
                )
        if self.staging_prefix is not None:
            object.__setattr__(self, "staging_prefix", s3_folder(self.staging_prefix, "staging_prefix"))


def _check(value: str, parse: Callable[[str], object], name: str, wanted: str) -> None:
    try:
        parse(value)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ParameterError(f"project parameter {name} has {value!r}", f"Give {wanted}") from None


def load_project(
    source: str | None, project_name: str = "local", feature_spec_version: str = "v1", **overrides: Any
) -> ProjectParameters:
    """The project parameters from the source, or the defaults; overrides other than None win.

    Args:
        source: a YAML file on disk or in S3, or `dynamodb://<table>`: the item of the project and feature
            specification.
        project_name: the project.
        feature_spec_version: the feature specification.
        **overrides: parameters given on the command line.

    Raises:
        ParameterError: the source is missing or unreadable, or a parameter is unknown or invalid.
    """
    raw = read_parameters(source, project_name, feature_spec_version) if source else {}
    given = {name: value for name, value in overrides.items() if value is not None}
    return replace(build(ProjectParameters, raw, str(source)), **given)
