"""Canonical sessions of log lines in DuckDB SQL: typed columns, without checking values."""

from __future__ import annotations

from pathlib import Path

from bench.json_logs import ECS, column_types
from bench.parse import columns_of, csv_query

CSV_ENDS = "start_ts + to_microseconds((duration_s * 1000000)::BIGINT)"
ECS_COLUMNS = {
    "subtype": "panw.panos.sub_type", "start_ts": 'event."start"', "end_ts": 'event."end"',
    "duration_s": "event.duration / 1e9", "src_ip": "source.ip", "src_port": "source.port",
    "dst_ip": "destination.ip", "dst_port": "destination.port", "protocol": "network.transport",
    "bytes_sent": "source.bytes", "bytes_received": "destination.bytes", "packets_sent": "source.packets",
    "packets_received": "destination.packets", "action": "panw.panos.action", "app": "network.application",
    "session_end_reason": "panw.panos.endreason", "rule": "rule.name", "src_zone": "observer.ingress.zone",
    "dst_zone": "observer.egress.zone", "session_id": "panw.panos.flow_id", "device_serial": "observer.serial_number",
    "sequence_number": "panw.panos.sequence_number", "repeat_count": "panw.panos.repeat_count",
}  # fmt: skip


def sessions_of(lines: Path) -> str:
    """The query of the sessions of all files of a folder, `*.csv` of PAN-OS or `*.json` of ECS."""
    paths = sorted(map(str, lines.iterdir()))
    if paths[0].endswith(".csv"):
        rows = csv_query(paths, columns_of(paths[0]), '"')
        return f"SELECT *, type AS event_type, {CSV_ENDS} AS end_ts FROM ({rows})"
    named = ", ".join(f"{place} AS {name}" for name, place in ECS_COLUMNS.items())
    read = f"read_json({paths!r}, format = 'newline_delimited', columns = {column_types(ECS)!r})"
    return f"SELECT {named}, panw.panos.type AS event_type FROM {read}"
