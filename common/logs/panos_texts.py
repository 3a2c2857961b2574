"""The texts of a record in a custom log format of PAN-OS."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.logs import values
from common.logs.pair_rules import without_foreign_zone
from common.logs.records import THREAT, TRAFFIC, Raw
from common.logs.values import FieldError


def session_texts(
    given: Mapping[str, str | None], time: Callable[[str | None], str | None] = values.text
) -> tuple[str, Raw]:
    """The log type and the texts of a record, given by canonical name; without the type it is TRAFFIC if it has bytes.

    `time` makes a time readable.

    Raises:
        FieldError: the record does not say whether it is TRAFFIC or THREAT.
    """
    raw = dict(given)
    kind = values.text(raw.pop("event_type", None)) or ""
    received = raw.pop("receive_time", None)
    raw["log_time"] = raw.get("log_time") or received
    for name in ("start_ts", "end_ts", "log_time"):
        raw[name] = time(raw.get(name))
    if not raw["log_time"]:
        del raw["log_time"]
    raw = without_foreign_zone(raw)
    kind = kind.upper() or (TRAFFIC if "start_ts" in given and "threat_id" not in given else "")
    if not kind:
        raise FieldError("the record does not have the type of the log")
    if kind == THREAT and "log_time" not in raw:
        raise FieldError("the THREAT log has neither time_generated nor receive_time")
    return kind, raw
