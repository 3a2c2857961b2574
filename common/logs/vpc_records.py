"""Records of AWS VPC flow logs, as text or in Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.logs import values
from common.logs.batches import KEPT, RecordCollector, empty_sessions
from common.logs.epochs import iso
from common.logs.one_way import SYN, SYN_ACK, SYSTEM_PORTS, oriented
from common.logs.options import ReadOptions
from common.logs.parquet_columns import epoch_instants
from common.logs.records import TRAFFIC, session_of
from common.logs.tables import sessions_of
from common.logs.values import FieldError, shown
from common.logs.vectors import by_distinct, integers

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
        "start_ts": iso("time", fields.get("start")),
        "end_ts": iso("time", fields.get("end")),
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


def vpc_sessions(
    options: ReadOptions, table: pa.RecordBatch, lines: Integers, into: RecordCollector
) -> tuple[pa.RecordBatch, Flags]:
    """As `parse_vpc` for many records, with the mask of those that are certain."""
    columns = {name.replace("_", "-"): table.column(name) for name in table.schema.names}
    none = pa.nulls(table.num_rows, pa.string())
    action, flags = columns.get("action", none), columns.get("tcp-flags", none)
    certain = np.asarray(pc.is_in(action, pa.array([None, *_ACTIONS])))
    certain &= ~np.asarray(pc.is_in(columns.get("log-status", none), pa.array(_WITHOUT_DATA)))
    numbers = []
    for column in (columns["srcport"], columns["dstport"], flags, columns["start"], columns["end"]):
        found, sure = integers(column)
        numbers.append(found)
        certain &= sure
    source, destination, flag = (each.fill_null(0).to_numpy(zero_copy_only=False) for each in numbers[:3])
    ported, sure = by_distinct(columns["protocol"], _has_ports, pa.bool_())
    by_ports = (source >= SYSTEM_PORTS.start) & (source < SYSTEM_PORTS.stop) & (destination >= SYSTEM_PORTS.stop)
    answer = np.where(flag & SYN, flag & SYN_ACK == SYN_ACK, by_ports) & np.asarray(ported.fill_null(False))
    turned, allowed = pa.array(answer), pc.not_equal(pc.fill_null(action, ""), "REJECT")
    raw = {
        "subtype": pc.if_else(allowed, "end", "deny"),
        "action": pc.if_else(action.is_valid(), pc.if_else(allowed, "allow", "deny"), pa.scalar(None, pa.string())),
        "start_ts": epoch_instants(numbers[3]),
        "end_ts": epoch_instants(numbers[4]),
        "protocol": columns["protocol"],
        "device_name": columns.get("interface-id", none),
    }
    for name, other in (("src", "dst"), ("dst", "src")):
        raw[f"{name}_ip"] = pc.if_else(turned, columns[f"{other}addr"], columns[f"{name}addr"])
        raw[f"{name}_port"] = pc.if_else(turned, columns[f"{other}port"], columns[f"{name}port"])
    for name in ("bytes", "packets"):
        sent = columns.get(name, none)
        raw[f"{name}_sent"] = pc.if_else(turned, pa.scalar(None, pa.string()), sent)
        raw[f"{name}_received"] = pc.if_else(turned, sent, pa.scalar(None, pa.string()))
    if not all(pa.types.is_timestamp(raw[name].type) for name in ("start_ts", "end_ts")):
        certain[:] = False
        return empty_sessions(), certain
    batch = pa.RecordBatch.from_arrays(list(raw.values()), names=list(raw))
    return sessions_of(batch, TRAFFIC, lines, into.source_file, options, ~(certain & sure), into.zones)


def _has_ports(protocol: str) -> bool:
    return values.protocol(protocol) in ("tcp", "udp")


vpc_parser = partial(partial, parse_vpc)
"""The parser of records for these options."""
