"""The canonical session, to which every reader converts its log format."""

from __future__ import annotations

import pyarrow as pa

from common.contracts.types import Column, arrow_schema

ABSENT = "the log does not say"
NO_NAT = "the address was not translated, or the log does not say"
THREAT, TRAFFIC = (f"the event is {kind}" for kind in ("THREAT", "TRAFFIC"))

SESSION_COLUMNS = (
    Column("event_type", "string", "TRAFFIC or THREAT"),
    Column("subtype", "string", "kind of event in the log (end, drop, deny, start; url, virus, ...)", null_when=ABSENT),
    Column("start_ts", "timestamp", "start of the session", "UTC", THREAT),
    Column("end_ts", "timestamp", "end of the session (start + duration), time of a THREAT log", "UTC"),
    Column("log_ts", "timestamp", "when the log was written", "UTC", ABSENT),
    Column("duration_s", "double", "length of the session", "s", THREAT),
    Column("src_ip", "string", "initiator, before NAT; IPv6 compressed, lower case"),
    Column("src_port", "int", "port of the initiator; 0 for ICMP"),
    Column("dst_ip", "string", "responder, before NAT"),
    Column("dst_port", "int", "service port; 0 for ICMP"),
    Column("protocol", "string", "tcp, udp, icmp (both versions) or other"),
    Column("bytes_sent", "long", "bytes from initiator to responder", "bytes", null_when=ABSENT),
    Column("bytes_received", "long", "bytes from responder to initiator", "bytes", null_when=ABSENT),
    Column("packets_sent", "long", "packets from initiator to responder", "packets", null_when=ABSENT),
    Column("packets_received", "long", "packets from responder to initiator", "packets", null_when=ABSENT),
    Column(
        "action", "string", "allow, deny, drop, reset-both, alert, ...; lower case, spaces as hyphens", null_when=ABSENT
    ),
    Column("session_end_reason", "string", "why the session ended (tcp-fin, aged-out, ...)", null_when=ABSENT),
    Column("app", "string", "application as identified by the firewall", null_when=ABSENT),
    Column("rule", "string", "security rule that matched", null_when=ABSENT),
    Column("src_zone", "string", "source zone", null_when=ABSENT),
    Column("dst_zone", "string", "destination zone", null_when=ABSENT),
    Column("src_user", "string", "user of the source address", null_when=ABSENT),
    Column("session_id", "string", "session identifier of the device; 0 where none was set up", null_when=ABSENT),
    Column("device_serial", "string", "serial number of the firewall", null_when=ABSENT),
    Column("sequence_number", "long", "log sequence number of the device", null_when=ABSENT),
    Column("repeat_count", "long", "sessions that this record stands for, at least 1", "sessions"),
    Column("threat_id", "string", "threat name and number", null_when=TRAFFIC),
    Column("severity", "string", "informational, low, medium, high or critical", null_when=TRAFFIC),
    Column("threat_category", "string", "kind of the threat, as the firewall names it", null_when=TRAFFIC),
    Column("url", "string", "URL or file name of the event", null_when=TRAFFIC),
    Column("url_category", "string", "URL category of the destination", null_when=ABSENT),
    Column("app_category", "string", "category of the application", null_when=ABSENT),
    Column("app_risk", "int", "risk of the application, 1 (low) to 5", null_when=ABSENT),
    Column("dst_user", "string", "user of the destination address", null_when=ABSENT),
    Column("src_country", "string", "country or network of the source address", null_when=ABSENT),
    Column("dst_country", "string", "country or network of the destination address", null_when=ABSENT),
    Column("nat_src_ip", "string", "source address after NAT", null_when=NO_NAT),
    Column("nat_src_port", "int", "source port after NAT", null_when=NO_NAT),
    Column("nat_dst_ip", "string", "destination address after NAT", null_when=NO_NAT),
    Column("nat_dst_port", "int", "destination port after NAT", null_when=NO_NAT),
    Column("device_name", "string", "host name of the firewall", null_when=ABSENT),
    Column("virtual_system", "string", "virtual system of the firewall", null_when=ABSENT),
)

SOURCE_COLUMNS = (
    Column("source_file", "string", "file that the record was read from"),
    Column("source_line", "long", "its line (text) or row (Parquet) there, from 1"),
)

STATUS_COLUMN = Column("status", "string", "kept, duplicate or uncounted (a start log, or an update)")

OPEN_SUBTYPES = ("start", "update")
"""Subtypes of TRAFFIC records of a session that has not ended; its end log repeats what they say."""

DUPLICATE_KEY = ("device_serial", "session_id", "start_ts", "event_type", "subtype", "sequence_number")
"""Records that agree in all of these are the same event, provided that they have a sequence number or, of TRAFFIC, a
session id other than 0. A session has many threats: they cannot be told apart by its id."""

PARSED_SCHEMA = arrow_schema((*SESSION_COLUMNS, *SOURCE_COLUMNS, STATUS_COLUMN))
"""Arrow schema of parsed records: canonical sessions, their source, and whether they count."""

OF_MANY_VALUES = frozenset({"session_id", "url"})
OF_FEW_VALUES = frozenset(field.name for field in PARSED_SCHEMA if field.type == pa.string()) - OF_MANY_VALUES
"""Parsed, staged and read as dictionaries, which are several times as fast to check, read and write as texts."""

DICTIONARY = pa.dictionary(pa.int32(), pa.string())
BATCH_SCHEMA = pa.schema(
    [(field.name, DICTIONARY if field.name in OF_FEW_VALUES else field.type) for field in PARSED_SCHEMA]
)
"""Arrow schema of a parsed batch: the same with dictionaries of the texts of few different values."""

REJECT_COLUMNS = (
    *SOURCE_COLUMNS,
    Column("reason", "string", "why the record was rejected: the field, its value and what is wrong with it"),
    Column("raw", "string", "the record as it was read; undecodable bytes as \\xNN"),
)

REJECT_SCHEMA = arrow_schema(REJECT_COLUMNS)
"""Arrow schema of rejected records."""
