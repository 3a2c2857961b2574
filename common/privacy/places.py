"""Where names of people stand in the lake, each place declared once.

`user` and `host` are names from logs and inventories, which become pseudonyms. A `sealed` column holds whole records
as they were read, and is encrypted as one text. `staff` are names of those who work with the lake; `text` may quote a
name. Addresses of hosts are pseudonyms of machines already, and stay.
"""

from __future__ import annotations

from collections.abc import Mapping

USER, HOST, SEALED, STAFF, TEXT = "user", "host", "sealed", "staff", "text"
MASKED = (USER, HOST, SEALED)
"""What becomes a pseudonym."""
NAMES = (USER, HOST, STAFF)
"""The whole value is a name."""

PLACES: Mapping[str, Mapping[str, str]] = {
    "sessions": {"src_user": USER, "dst_user": USER, "url": TEXT},
    "open_sessions": {"src_user": USER},
    "sessions_rejected": {"raw": SEALED, "reason": TEXT},
    "machine_inventory": {"machine_name": HOST, "owner": USER},
    "fg_b/ip_metadata": {"machine_name": HOST},
    "triage": {"changed_by": STAFF, "owner": STAFF, "note": TEXT},
    "indicators": {"changed_by": STAFF, "note": TEXT},
    "allow_lists": {"put_by": STAFF, "text": TEXT},
    "calendars": {"put_by": STAFF, "text": TEXT},
    "model_decisions": {"decided_by": STAFF, "reason": TEXT},
    "privacy_log": {"logged_by": STAFF, "reason": TEXT},
}
"""The kind of each column with names, by table."""

ACCOUNTS = ("model_decisions", "privacy_log")
"""Records of who decided and who looked, which answer for what was done: they are exported and never changed."""

ERASED = "(erased)"
"""What stands where a name was erased that cannot be null."""
