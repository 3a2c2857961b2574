"""Columns that several tables share."""

from __future__ import annotations

from common.contracts.types import Column
from common.threats import SEVERITIES, SEVERITY

PARTITIONS = (
    Column("date", "string", "UTC date on which the window starts, YYYY-MM-DD"),
    Column("window", "string", "start of the window, YYYYMMDDTHHMMZ"),
)
WINDOW_BOUNDS = (
    Column("window_start_ts", "timestamp", "start of the window, inclusive", "UTC"),
    Column("window_end_ts", "timestamp", "end of the window, exclusive", "UTC"),
)
HOST = Column("host_ip", "string", "internal host")
ROLE = Column("role", "string", "outbound: the host is the initiator; inbound: the responder")
SEGMENT = Column("segment_id", "string", "segment of the host: a configured name, or its /24 or /64 prefix")
APP = Column(
    "app", "string", "application of most of the sessions; of as many, the first by name", null_when="no log names one"
)
DOMAIN = Column(
    "domain",
    "string",
    "registered domain that most URLs of the service are of, in the logs of the window; of as many, the first by name",
    null_when="no log has a URL with one",
)
THREAT_SEVERITY = Column(
    SEVERITY,
    "int",
    "highest severity of the threats about the service, in the logs of the window: "
    f"{', '.join(f'{number} {name}' for number, name in enumerate(SEVERITIES, start=1))}; "
    "logs of URLs, files and data are none",
    null_when="no log has one of a severity",
)

TIME_BAND = Column("time_band", "string", "working_hours, or off_hours for everything else")
HORIZON = Column("baseline_horizon", "string", "name of the horizon (7d, 30d)")
MONTH = Column("baseline_month", "string", "month for which the baseline holds, YYYY-MM")
BASELINE_PARTITIONS = (Column("feature_spec_version", "string", "feature specification"), HORIZON, MONTH)
BASELINE_PARTITION_NAMES = tuple(column.name for column in BASELINE_PARTITIONS)
PUBLICATION = Column("publication_id", "string", "publication of the rows: read those that fg_b/publications names")
PUBLISHED_PARTITIONS = (*BASELINE_PARTITIONS, PUBLICATION)
PUBLISHED_PARTITION_NAMES = tuple(column.name for column in PUBLISHED_PARTITIONS)
INCOMPLETE = Column(
    "incomplete_reason",
    "string",
    "what is missing of the window's logs: damaged or unreadable files, devices and zones below their usual volume",
    null_when="nothing is known to be missing",
)
NOTE = Column(
    "score_note",
    "string",
    "what to know of the score: the project still learns, or the whole network is unusual and the score is lowered",
    null_when="nothing is to be known",
)
REFERENCE = Column("reference_ts", "timestamp", "time before which the horizon and its safety gap lie", "UTC")
