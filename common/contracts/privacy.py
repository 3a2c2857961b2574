"""The table of what was done with names of people, and of who looked at cases."""

from __future__ import annotations

from common.contracts.types import Column, Table

PRIVACY_LOG = Table(
    "privacy_log",
    "one row per time that somebody unmasked, exported, erased or masked names, or opened a case on the served page",
    (
        Column("entry_id", "string", "random id of the entry"),
        Column("logged_ts", "timestamp", "when it was asked for", "UTC"),
        Column("logged_by", "string", "who asked for it"),
        Column("action", "string", "unmask, export, erase, mask or open-case"),
        Column("reason", "string", "why, in the words of who asked for it", null_when="a case was opened, or masked"),
        Column(
            "subject",
            "string",
            "what: the case, or the pseudonyms, one after the other; never a name",
            null_when="it was asked for by a name, or is about all names",
        ),
        Column("details", "string", "JSON object: rows that it was about, by table"),
        Column("date", "string", "UTC date of that, YYYY-MM-DD"),
    ),
    ("date",),
    ("entry_id",),
)
