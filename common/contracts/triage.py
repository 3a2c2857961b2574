"""Tables of what people made of cases, know of addresses, allow and plan, and of what other systems were told."""

from __future__ import annotations

from common.contracts.types import Column, Table

TRIAGE = Table(
    "triage",
    "one row per change that somebody made to a case",
    (
        Column("change_id", "string", "digest of the case, the time and who changed it"),
        Column("case_id", "string", "case that was changed"),
        Column("changed_ts", "timestamp", "time of the change", "UTC"),
        Column("changed_by", "string", "who changed it"),
        Column("status", "string", "new, in-progress, true, false, expected or closed"),
        Column("owner", "string", "who works on the case", null_when="nobody does"),
        Column("note", "string", "why, in the words of who changed it"),
        Column("scope", "string", "what false and expected hide: pair, host, segment or behaviour"),
        Column("source", "string", "who began the case"),
        Column("segment_id", "string", "segment of the case's highest window"),
        Column("techniques", "string", "JSON list: what the case resembled"),
        Column("peers", "string", "JSON list: whom the case was mainly about, besides its sources"),
        Column("expires_ts", "timestamp", "until when it hides cases that begin", "UTC", "the status hides no others"),
        Column("date", "string", "UTC date of the change, YYYY-MM-DD"),
    ),
    ("date",),
    ("change_id",),
)

HANDOVERS = Table(
    "handovers",
    "one row per message about a case, or about a meeting with an indicator, that a channel has taken",
    (
        Column("channel", "string", "name of the channel that took it"),
        Column("case_id", "string", "case that it is about, or met-, the indicator and the host"),
        Column("action", "string", "create, update or close"),
        Column("state", "string", "digest of what the message told"),
        Column("handed_ts", "timestamp", "when it was taken", "UTC"),
        Column("date", "string", "UTC date of that, YYYY-MM-DD"),
    ),
    ("date",),
    ("channel", "case_id", "state", "handed_ts"),
)

INDICATORS = Table(
    "indicators",
    "one row per change of an indicator of compromise",
    (
        Column("indicator_id", "string", "digest of the source, the value and the port"),
        Column("source", "string", "who says so: the name of the list, or who wrote the bundle or event"),
        Column("value", "string", "an address, or a network in CIDR notation"),
        Column("port", "int", "service port at the address", null_when="any"),
        Column("labels", "string", "JSON list: what the source calls it"),
        Column("confidence", "int", "how sure the source is", "percent", "the source does not say"),
        Column("reference", "string", "where the source says more", null_when="the source gives none"),
        Column("valid_from", "timestamp", "since when the source knows of it", "UTC", "the source does not say"),
        Column("valid_until", "timestamp", "contacts from then on do not count", "UTC", "it does not end"),
        Column("status", "string", "active; withdrawn by its source; expired or removed by somebody"),
        Column("changed_ts", "timestamp", "time of the change", "UTC"),
        Column("changed_by", "string", "who imported or changed it"),
        Column("file", "string", "name of the file that it came from", null_when="somebody changed it by hand"),
        Column("note", "string", "why, in the words of who changed it", null_when="it was imported"),
        Column("date", "string", "UTC date of the change, YYYY-MM-DD"),
    ),
    ("date",),
    ("indicator_id", "changed_ts"),
)


def _put_texts(name: str, grain: str) -> Table:
    """A table of files under review, of which the last one that was put in place holds."""
    columns = (
        Column("list_id", "string", "digest of the text"),
        Column("put_ts", "timestamp", "when it was put in place", "UTC"),
        Column("put_by", "string", "who put it in place"),
        Column("text", "string", "the file as it was reviewed, in YAML"),
        Column("date", "string", "UTC date of that, YYYY-MM-DD"),
    )
    return Table(name, grain, columns, ("date",), ("list_id", "put_ts"))


ALLOW_LISTS = _put_texts("allow_lists", "one row per allow list that was put in place; the last one holds")
CALENDARS = _put_texts("calendars", "one row per calendar that was put in place; the last one holds")

PUBLISHED_TRIAGE = Table(
    "prediction_triage",
    "one row per published prediction that alerts",
    (
        Column("project_name", "string", "project"),
        Column("feature_spec_version", "string", "feature specification"),
        Column("host_ip", "string", "internal host"),
        Column("case_id", "string", "case that the alert belongs to"),
        Column("status", "string", "how it stands: new, in-progress, true, false, expected or closed"),
        Column("is_hidden", "boolean", "whether reports leave it out"),
        Column(
            "change_id",
            "string",
            "change that says so, of this case or of one like it, or entry of the allow list or calendar",
            null_when="nobody did",
        ),
        Column("changed_by", "string", "who made the change", null_when="nobody did"),
        Column(
            "changed_ts",
            "timestamp",
            "time of the change",
            "UTC",
            "nobody did, or an allow list or the calendar says so",
        ),
        Column("window", "string", "start of the window, YYYYMMDDTHHMMZ"),
        Column("date", "string", "UTC date on which the window starts, YYYY-MM-DD"),
    ),
    ("date",),
    ("project_name", "feature_spec_version", "window", "host_ip"),
)
"""Not a table of the lake, but what S3 and Redshift get beside predictions."""
