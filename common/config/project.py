"""Project parameters: what differs from one monitored network to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from common.config.loader import Settings, build_from
from common.config.pseudonyms import PseudonymParameters
from common.config.redshift import RedshiftParameters
from common.config.retention import RetentionParameters
from common.config.sources import read_document
from common.config.training import TrainingParameters
from common.config.values import (
    AtLeastOne,
    Hour,
    LogTimeZone,
    MmdbFile,
    Network,
    NotNegative,
    S3Folder,
    Share,
    TableFile,
    TableName,
    Text,
    TimeZone,
    matching,
    wrong,
)
from common.errors import ParameterError
from common.features.spec import FeatureSpec, Horizon

DEFAULT_INTERNAL_CIDRS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


def _in_order(hours: tuple[int, int]) -> tuple[int, int]:
    if hours[0] > hours[1]:
        raise wrong(f"is {list(hours)}", "Give two hours in order, the start first")
    return hours


Hours = Annotated[tuple[Hour, Hour], AfterValidator(_in_order)]


class PublicationParameters(Settings):
    """Publication of predictions in S3."""

    s3_prefix: S3Folder
    """s3:// URI below which `ndr-join --destination s3` writes."""


class AlertChannel(Settings):
    """A receiver of alerts."""

    secret: Text
    """Name or ARN of a secret of Secrets Manager: JSON with the `url` of the webhook and, unless its template needs
    none, the `secret` that signs messages, or PagerDuty's routing key."""
    template: Literal["ocsf", "slack", "teams", "pagerduty"] = "ocsf"
    """What the receiver expects."""


class NetworkParameters(Settings):
    """Which sessions are of a network: those that agree with every list that is not empty."""

    devices: tuple[Text, ...] = ()
    """Serial numbers of its firewalls."""
    virtual_systems: tuple[Text, ...] = ()
    """Its virtual systems, as the logs name them (`vsys1`)."""
    zones: tuple[Text, ...] = ()
    """Zones of its hosts: the source zone for the initiator, the destination zone for the responder."""


ShortName = Annotated[str, matching("[A-Za-z0-9_-]{1,32}", "up to 32 letters, digits, hyphens and underscores")]


class ProjectParameters(Settings):
    """The settings of a project, with their defaults."""

    time_zone: TimeZone = "UTC"
    """IANA time zone of the site; working hours, weekends and features of the time of day are local to it."""
    log_time_zone: LogTimeZone = "UTC"
    """Zone of log times that carry none: an IANA name or an offset."""
    device_time_zones: Mapping[Text, LogTimeZone] = Field(default_factory=dict)
    """The same for single devices, by serial number; it goes before `log_time_zone`."""
    internal_cidrs: tuple[Network, ...] = DEFAULT_INTERNAL_CIDRS
    """Networks of the organisation. Addresses inside them are hosts that get features and scores."""
    networks: Mapping[ShortName, NetworkParameters] = Field(default_factory=dict)
    """Networks with equal internal addresses, by name; a host in one is `address@name`. The first that fits counts."""
    segments: Mapping[Network, Text] = Field(default_factory=dict)
    """Name of each segment by its prefix. An address outside all of them belongs to its /24 (IPv4) or /64 (IPv6)."""
    high_risk_segments: tuple[Text, ...] = ()
    """Segments whose sessions and peers are also counted apart."""
    working_hours: Hours = (7, 17)
    """Working hours of the local day, half-open: start inclusive, end exclusive."""
    off_hours: Hours = (17, 22)
    """Off hours of the local day, half-open, as the feature `is_off_hours` has them."""
    weekend_days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (6, 7)
    """ISO weekdays that are not working days: 1 is Monday, 6 Saturday."""
    allowed_lateness_minutes: NotNegative = 15.0
    """How far outside the window of its batch a session may end and still count there."""
    open_sessions_days: AtLeastOne = 7
    """How long after its start a session without an end counts as open."""
    sessions_retention_days: AtLeastOne = 30
    """How many days of single sessions the lake keeps, before the newest."""
    log_volume_minimum: AtLeastOne = 20
    """Records that a device or zone must be expected to log in a window to be missed when it does not."""
    log_volume_drop: Share = 0.5
    """Share of the expected records below which a device or zone is reported; 0 reports only silence."""
    max_rejected_ratio: Share = 0.05
    """Largest share of rejected records with which a run still succeeds."""
    horizons: Mapping[str, Horizon] = Field(default_factory=dict)
    """Baseline horizons in place of those of the feature specification: `days` of history, and the `gap_days`
    before the reference time that are left out."""
    model_horizon: Text = "7d"
    """Horizon whose deviations the model is trained on."""
    non_persistent_prefixes: tuple[Text, ...] = ("vdi-", "nph-")
    """Name prefixes of machines that are recreated for each session, such as virtual desktops."""
    column_mapping: Mapping[str, Text] = Field(default_factory=dict)
    """Column of a Parquet log for each canonical column whose name differs; `src_endpoint.ip` is a nested one."""
    columns: tuple[Text, ...] = ()
    """Variables of a custom log format of PAN-OS as CSV (`type`, `src`, ...), in their order."""
    redshift: RedshiftParameters | None = None
    """The connection to Redshift; only stages in AWS need it."""
    publication: PublicationParameters | None = None
    """Where predictions are published in S3."""
    staging_prefix: S3Folder | None = None
    """s3:// URI below which UNLOAD and COPY stage files; by default a folder of the lake, if that is in S3."""
    batch_index_table: TableName | None = None
    """DynamoDB table of the batches received, which the extractor reads."""
    ingestion_prefixes: tuple[S3Folder, ...] = ()
    """Folders of the batches of all organisations, where a start and a backfill look for the logs; a deployment of the
    project fills it in."""
    machine_inventory: TableFile | None = None
    """Path or URI of a file with columns `host_ip` and `machine_name`, and perhaps `is_active`, `owner`, `role` and
    `criticality` (critical, high, medium, low), from which `ndr-inventory-unload` takes machines, not from Redshift."""
    customer_ranges: TableFile | None = None
    """Path or URI of a file with columns `ip_range`, `customer_id`, `plan_id` and `region`, with which `ndr-report`
    names the customers of addresses; `c360-warehouse export-ranges` writes it."""
    network_owners: MmdbFile | None = None
    """Path or URI of a database of autonomous systems in the MMDB format (GeoLite2-ASN, DB-IP ASN Lite), which says who
    owns the networks of peers outside. Models that are trained from then on count how rare an owner is."""
    pseudonyms: PseudonymParameters | None = None
    """Pseudonyms in place of the names of users and machines; without the group, the lake has the names."""
    training: TrainingParameters = Field(default_factory=TrainingParameters)
    """The training lifecycle."""
    alerts: Mapping[ShortName, AlertChannel] = Field(default_factory=dict)
    """Channels that `ndr-alerts --deliver` hands cases over to, by name."""
    retention: RetentionParameters = Field(default_factory=RetentionParameters)
    """How long the lake keeps what is in it."""

    def baseline_horizons(self, spec: FeatureSpec) -> Mapping[str, Horizon]:
        """The project's horizons; without any, those of the feature specification."""
        return self.horizons or spec.horizons

    def horizon_of_model(self, spec: FeatureSpec) -> Horizon:
        """The horizon that the model is trained on; the longest one where no horizon has that name."""
        horizons = self.baseline_horizons(spec)
        return horizons.get(self.model_horizon) or max(horizons.values(), key=lambda one: one.days)


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
    if source:
        project = build_from(ProjectParameters, read_document(source, project_name, feature_spec_version))
    else:
        project = ProjectParameters()
    return project.changed("options", overrides)


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
