"""Tables of what people made of cases, and of what other systems were told of them."""

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
    "one row per message about a case that a channel has taken",
    (
        Column("channel", "string", "name of the channel that took it"),
        Column("case_id", "string", "case that it is about"),
        Column("action", "string", "create, update or close"),
        Column("state", "string", "digest of what the message told"),
        Column("handed_ts", "timestamp", "when it was taken", "UTC"),
        Column("date", "string", "UTC date of that, YYYY-MM-DD"),
    ),
    ("date",),
    ("channel", "case_id", "state", "handed_ts"),
)

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
        Column("change_id", "string", "change that says so, of this case or of one like it", null_when="nobody did"),
        Column("changed_by", "string", "who made the change", null_when="nobody did"),
        Column("changed_ts", "timestamp", "time of the change", "UTC", "nobody did"),
        Column("window", "string", "start of the window, YYYYMMDDTHHMMZ"),
        Column("date", "string", "UTC date on which the window starts, YYYY-MM-DD"),
    ),
    ("date",),
    ("project_name", "feature_spec_version", "window", "host_ip"),
)
"""Not a table of the lake, but what S3 and Redshift get beside predictions."""
