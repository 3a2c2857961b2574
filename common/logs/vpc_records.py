"""Records of AWS VPC flow logs, as text or in Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from common.logs.batches import KEPT, RecordCollector
from common.logs.one_way import oriented
from common.logs.options import ReadOptions
from common.logs.records import TRAFFIC, session_of
from common.logs.spelled_times import epoch_time
from common.logs.values import FieldError, shown

REQUIRED = ("srcaddr", "dstaddr", "srcport", "dstport", "protocol", "bytes", "start", "end")
DEFAULT = (
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets",
    "bytes", "start", "end", "action", "log-status",
)  # fmt: skip
_ACTIONS = {"ACCEPT": "allow", "REJECT": "deny"}
_WITHOUT_DATA = ("NODATA", "SKIPDATA")


def parse_vpc(options: ReadOptions, record: Mapping[str, str | None], number: int, into: RecordCollector) -> None:
    """Adds the session of a record; the capture windows of one flow are sessions of their own."""
    fields = {name.replace("_", "-"): None if value == "-" else value for name, value in record.items()}
    status = fields.get("log-status")
    if status in _WITHOUT_DATA:
        into.skip(status)
        return
    action = fields.get("action")
    if action is not None and action.upper() not in _ACTIONS:
        raise FieldError(f"action {shown(action)} is neither ACCEPT nor REJECT")
    raw = {
        "subtype": "deny" if action and action.upper() == "REJECT" else "end",
        "action": _ACTIONS[action.upper()] if action else None,
        "start_ts": epoch_time(fields.get("start")),
        "end_ts": epoch_time(fields.get("end")),
        "src_ip": fields.get("srcaddr"),
        "src_port": fields.get("srcport"),
        "dst_ip": fields.get("dstaddr"),
        "dst_port": fields.get("dstport"),
        "protocol": fields.get("protocol"),
        "device_name": fields.get("interface-id"),
    }
    flags = fields.get("tcp-flags") or "0"
    if not flags.isdecimal():
        raise FieldError(f"tcp-flags {shown(flags)} is not a whole number")
    session = session_of(TRAFFIC, oriented(raw, fields.get("bytes"), fields.get("packets"), int(flags)), options)
    into.keep(number, session, KEPT)


vpc_parser = partial(partial, parse_vpc)
"""The parser of records for these options."""
