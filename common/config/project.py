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
    """Publication of predictions in S3."""

    s3_prefix: str
    """s3:// URI below which `ndr-join --destination s3` writes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "s3_prefix", s3_folder(self.s3_prefix, "publication.s3_prefix"))


@dataclass(frozen=True)
class ProjectParameters:
    """The settings of a project, with their defaults."""

    time_zone: str = "UTC"
    """IANA time zone of the site; working hours, weekends and features of the time of day are local to it."""
    log_time_zone: str = "UTC"
    """Zone of log times that carry none: an IANA name or an offset."""
    internal_cidrs: tuple[str, ...] = DEFAULT_INTERNAL_CIDRS
    """Networks of the organisation. Addresses inside them are hosts that get features and scores."""
    segments: Mapping[str, str] = field(default_factory=dict)
    """Name of each segment by its prefix. An address outside all of them belongs to its /24 (IPv4) or /64 (IPv6)."""
    high_risk_segments: tuple[str, ...] = ()
    """Segments whose sessions and peers are also counted apart."""
    working_hours: tuple[int, int] = (7, 17)
    """Working hours of the local day, half-open: start inclusive, end exclusive."""
    off_hours: tuple[int, int] = (17, 22)
    """Off hours of the local day, half-open, as the feature `is_off_hours` has them."""
    weekend_days: tuple[int, ...] = (6, 7)
    """ISO weekdays that are not working days: 1 is Monday, 6 Saturday."""
    allowed_lateness_minutes: float = 15.0
    """How far outside the window of its batch a session may end and still count there."""
    max_rejected_ratio: float = 0.05
    """Largest share of rejected records with which a run still succeeds."""
    horizons: Mapping[str, Horizon] = field(default_factory=dict)
    """Baseline horizons in place of those of the feature specification: `days` of history, and the `gap_days`
    before the reference time that are left out."""
    model_horizon: str = "7d"
    """Horizon whose deviations the model is trained on."""
    non_persistent_prefixes: tuple[str, ...] = ("vdi-", "nph-")
    """Name prefixes of machines that are recreated for each session, such as virtual desktops."""
    column_mapping: Mapping[str, str] = field(default_factory=dict)
    """Column of a Parquet log for each canonical column whose name differs."""
    redshift: RedshiftParameters | None = None
    """The connection to Redshift; only stages in AWS need it."""
    publication: PublicationParameters | None = None
    """Where predictions are published in S3."""
    staging_prefix: str | None = None
    """s3:// URI below which UNLOAD and COPY stage files; by default a folder of the lake, if that is in S3."""
    batch_index_table: str | None = None
    """DynamoDB table of the batches received, which the extractor reads."""
    training: TrainingParameters = field(default_factory=TrainingParameters)
    """The training lifecycle."""

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


def redshift_of(project: ProjectParameters, project_name: str) -> RedshiftParameters:
    """The project's Redshift connection.

    Raises:
        ParameterError: the project has none.
    """
    if project.redshift is None:
        raise ParameterError(
            f"project {project_name} has no parameter group redshift",
            "Add the group redshift (workgroup_name, database, iam_role_arn, ...) to the project parameters",
        )
    return project.redshift


def staging_location(project: ProjectParameters, project_name: str, lake_uri: str, name: str) -> str:
    """The s3:// URI of the named staging folder: below the project's `staging_prefix`, else in the lake.

    Raises:
        ParameterError: the project has no `staging_prefix`, and the lake is not in S3.
    """
    if project.staging_prefix:
        return f"{project.staging_prefix}/{project_name}/{name}"
    if lake_uri.startswith("s3://"):
        return f"{lake_uri}/{name}"
    raise ParameterError(
        f"project {project_name} has no staging_prefix and its lake {lake_uri} is not in S3, but Redshift reads and "
        "writes files only there",
        "Add staging_prefix, an s3:// URI, to the project parameters",
    )
