"""The variables of PAN-OS's custom log formats (`$src`, `$bytes_sent`) as canonical columns."""

from __future__ import annotations

from common.contracts.session import SESSION_COLUMNS

VARIABLES = {
    "type": "event_type",
    "subtype": "subtype",
    "serial": "device_serial",
    "time_generated": "log_time",
    "cef-formatted-time_generated": "log_time",
    "receive_time": "receive_time",
    "cef-formatted-receive_time": "receive_time",
    "high_res_timestamp": "precise_time",
    "src": "src_ip",
    "dst": "dst_ip",
    "natsrc": "nat_src_ip",
    "natdst": "nat_dst_ip",
    "rule": "rule",
    "srcuser": "src_user",
    "dstuser": "dst_user",
    "app": "app",
    "vsys": "virtual_system",
    "from": "src_zone",
    "to": "dst_zone",
    "sessionid": "session_id",
    "repeatcnt": "repeat_count",
    "sport": "src_port",
    "dport": "dst_port",
    "natsport": "nat_src_port",
    "natdport": "nat_dst_port",
    "proto": "protocol",
    "action": "action",
    "bytes_sent": "bytes_sent",
    "bytes_received": "bytes_received",
    "pkts_sent": "packets_sent",
    "pkts_received": "packets_received",
    "start": "start_ts",
    "elapsed": "duration_s",
    "category": "url_category",
    "seqno": "sequence_number",
    "srcloc": "src_country",
    "dstloc": "dst_country",
    "session_end_reason": "session_end_reason",
    "device_name": "device_name",
    "misc": "url",
    "threatid": "threat_id",
    "severity": "severity",
    "thr_category": "threat_category",
    "category_of_app": "app_category",
    "risk_of_app": "app_risk",
}
"""Canonical column (or `log_time`, `receive_time`, `precise_time`) of each variable, without the dollar."""

IGNORED = frozenset(
    {
        "action_flags", "action_source", "actionflags", "assoc_id", "bytes", "characteristic_of_app", "chunks",
        "chunks_received", "chunks_sent", "cloud", "cluster_name", "cmd", "config_ver", "container_id",
        "container_of_app", "contenttype", "contentver", "dg_hier_level_1", "dg_hier_level_2", "dg_hier_level_3",
        "dg_hier_level_4", "direction", "domain", "dport_label", "dst_category", "dst_dag", "dst_edl", "dst_host",
        "dst_mac", "dst_model", "dst_osfamily", "dst_osversion", "dst_profile", "dst_uuid", "dst_vendor",
        "dynusergroup_name", "filedigest", "filetype", "flags", "flow_type", "future_use", "host", "hostid",
        "http2_connection", "http_headers", "http_method", "imei", "imsi", "inbound_if", "is_saas_of_app",
        "link_change_count", "link_switches", "logset", "monitortag", "nssai_sd", "nssai_sst", "number-of-severity",
        "offloaded", "outbound_if", "packets", "parent_session_id", "parent_start_time", "partial_hash", "pcap_id",
        "pod_name", "pod_namespace", "policy_id", "ppid", "reason", "recipient", "referer", "reportid", "rule_uuid",
        "sanctioned_state_of_app", "sdwan_cluster", "sdwan_cluster_type", "sdwan_device_type", "sdwan_site",
        "sender", "sender_sw_version", "serialnumber", "session_owner", "sig_flags", "src_category", "src_dag",
        "src_edl", "src_host", "src_mac", "src_model", "src_osfamily", "src_osversion", "src_profile", "src_uuid",
        "src_vendor", "subcategory_of_app", "subject", "technology_of_app", "time_received", "tunnel",
        "tunneled_app", "tunnelid", "url_category_list", "url_idx", "user_agent", "vsys_id", "vsys_name", "xff",
        "xff_ip",
    }
)  # fmt: skip
"""Variables that are no column of a session."""

CANONICAL = frozenset(column.name for column in SESSION_COLUMNS)


def column_of(name: str) -> str | None:
    """The canonical column of a variable, with or without its dollar, or of a canonical name; "" for other variables.

    None if there is no such variable.
    """
    plain = name.strip().removeprefix("$")
    if plain in VARIABLES:
        return VARIABLES[plain]
    if plain in CANONICAL or plain in ("log_time", "receive_time", "precise_time"):
        return plain
    return "" if plain.lower() in IGNORED or plain in ("", "-") else None
