"""Reasons in words: what a host did, with whom, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.detection.explanation import Reason
from tools.report.amounts import amount

DURATIONS = {"w_15m": "15 min", "w_30m": "30 min", "w_1h": "1 h", "w_8h": "8 h", "w_24h": "24 h"}
NOUNS = {
    "sessions_cnt": "sessions",
    "allow_cnt": "allowed sessions",
    "deny_cnt": "denied sessions",
    "alert_cnt": "alerts of the firewall",
    "rst_cnt": "reset sessions",
    "aged_out_cnt": "sessions that aged out",
    "zero_reply_cnt": "sessions without a reply",
    "short_session_cnt": "very short sessions",
    "bytes_src_sum": "sent by the initiators",
    "bytes_dst_sum": "sent by the responders",
    "duration_sum": "of sessions",
    "duration_mean": "a session",
    "peer_ip_nunique": "distinct peers",
    "peer_port_nunique": "distinct services",
    "peer_segment_nunique": "distinct networks",
    "max_sessions_per_minute": "sessions in the busiest minute",
    "tcp_cnt": "TCP sessions",
    "udp_cnt": "UDP sessions",
    "icmp_cnt": "ICMP sessions",
    "threat_cnt": "threat logs",
    "traffic_cnt": "traffic logs",
    "new_peer_cnt_lookback30d": "peers not met in 30 days",
    "rare_peer_cnt_lookback30d": "peers hardly met in 30 days",
    "new_dst_port_cnt_lookback30d": "services not used in 30 days",
    "rare_dst_port_cnt_lookback30d": "services hardly used in 30 days",
    "new_pair_cnt_lookback30d": "pairs not seen in 30 days",
    "new_src_dst_port_cnt_lookback30d": "peers and services not seen together in 30 days",
    "high_risk_port_sessions_cnt": "sessions to high-risk ports",
    "admin_port_sessions_cnt": "sessions to administration ports",
    "fileshare_port_sessions_cnt": "sessions to file sharing ports",
    "directory_port_sessions_cnt": "sessions to directory ports",
    "db_port_sessions_cnt": "sessions to database ports",
    "high_risk_segment_sessions_cnt": "sessions with high-risk segments",
    "high_risk_segment_unique_dsts": "distinct peers in high-risk segments",
}
KINDS = {
    "outbound": "outside",
    "outbound_internal": "inside",
    "inbound": "from outside",
    "inbound_internal": "from inside",
}
PAIR_WORDS = {
    "pair_failed_24h": ("count", "failed sessions with one peer in 24 h"),
    "pair_sessions_24h": ("count", "sessions with one peer in 24 h"),
    "pair_sessions_15m": ("count", "sessions with one peer in 15 min"),
    "pair_slices_24h": ("count", "windows with one peer in 24 h"),
    "pair_net_sent_mean_24h": ("bytes", "a session more sent than returned with one peer in 24 h"),
    "pair_net_sent_24h": ("bytes", "more sent than returned with one peer in 24 h"),
    "spread_new_peers": ("count", "peers met for the first time in 15 min"),
    "spread_new_networks": ("count", "networks met for the first time in 15 min"),
    "spread_new_services": ("count", "services used for the first time in 15 min"),
    "spread_new_uses": ("count", "first contacts of peer and service in 15 min"),
    "spread_failed_new_uses": ("count", "failed first contacts in 15 min"),
    "spread_failed_peers": ("count", "peers with which all failed in 15 min"),
    "spread_new_sessions": ("count", "sessions with first contacts in 15 min"),
    "spread_new_sent_kb": ("count", "kB exchanged with first contacts in 15 min"),
}
REGULAR = {
    "pair_regular_24h": "regular sessions with one peer in 24 h",
    "pair_regular_new_24h": "regular sessions with a peer met in these 24 h",
}
RARITY = {
    "pair_peer_rarity": "a peer that is new to the host",
    "pair_network_rarity": "a network that is new to the host",
    "pair_service_rarity": "a service that is new to the host",
    "pair_use_rarity": "a service that is new to the host in that network",
}


def feature_words(role: str, metric: str, kind: str, label: str, value: float | None) -> str | None:
    """A feature of FG-A in words: `412 distinct peers in 15 min`; None for one that has none."""
    if metric not in NOUNS:
        return None
    incoming = "incoming: " if role == "inbound" else ""
    return f"{incoming}{amount(value, kind)} {NOUNS[metric]} in {DURATIONS.get(label, label)}"


def pair_words(reason: Reason) -> str | None:
    """A reason about pairs in words; None for any other."""
    if reason.feature in RARITY:
        return f"{RARITY[reason.feature]}, met by few others ({amount(reason.value, 'ratio')} bit)"
    if reason.feature in REGULAR:
        found, most = (amount(100 * (share or 0.0), "ratio") for share in (reason.value, reason.baseline_median))
        return f"{REGULAR[reason.feature]}: gaps {found} % even, at most {most} % before"
    if reason.feature not in PAIR_WORDS:
        return None
    kind, noun = PAIR_WORDS[reason.feature]
    return f"{amount(reason.value, kind)} {noun}, at most {amount(reason.baseline_median, kind)} before"


def peer_words(pair: Mapping[str, Any]) -> str:
    """A pair in words: who, what was done, and what is new in it."""
    inbound = pair["kind"].startswith("inbound")
    arrow = "<-" if inbound else "->"
    done = (
        f"{pair['sessions_day']:,} sessions in 24 h, {pair['failed_day']:,} failed, {amount(pair['sent_day'], 'bytes')}"
    )
    new = f"; new: {', '.join(pair['new'])}" if pair["new"] else ""
    others = f"; met by {pair['others']['peer']:,} other hosts"
    return f"{arrow} {pair['peer_ip']}:{pair['peer_port']} ({KINDS[pair['kind']]}): {done}{new}{others}"


def span(start: datetime, end: datetime) -> str:
    """A time span, the date once where it is one: `2026-03-10 01:53-02:08`."""
    if start.date() == end.date():
        return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
