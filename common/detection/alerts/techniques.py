"""Which technique a prediction resembles, and what ATT&CK calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.detection.explanation import Reason
from common.features.spec import FeatureSpec

MANY_TARGETS = 10
SPREAD_SHARE = 0.25
MANY_TRIES = 20
REPEATED = 3
FLOOD_SESSIONS = 100
FAILED_SHARE = 0.9
UPLOAD_FACTOR = 5.0
UPLOAD_BYTES = 1_000_000
UPLOAD_SHARE = 0.5
PROBES = 4
PROBE_SESSIONS = 2
LOGIN_SETS = ("admin", "fileshare", "db", "directory")
FAILED_TARGETS = ("spread_failed_new_uses", "spread_failed_peers")
MANY_OF = (*FAILED_TARGETS, "spread_new_uses", "spread_new_peers")
DNS = 53


@dataclass(frozen=True)
class Technique:
    """A technique by this project's name, with its number and name in MITRE ATT&CK; empty if it has none."""

    name: str
    attack_id: str
    attack_name: str


SCAN = Technique("scan", "T1046", "Network Service Discovery")
SCANNED = Technique("scanned", "T1046", "Network Service Discovery")
BEACON = Technique("beacon", "T1071", "Application Layer Protocol")
TUNNEL = Technique("dns tunnel", "T1071.004", "Application Layer Protocol: DNS")
EXFILTRATION = Technique("exfiltration", "T1048", "Exfiltration Over Alternative Protocol")
LATERAL = Technique("lateral movement", "T1021", "Remote Services")
BRUTE_FORCE = Technique("brute force", "T1110", "Brute Force")
FLOOD = Technique("flood", "T1498", "Network Denial of Service")
PROBED = Technique("probe from outside", "T1595", "Active Scanning")
OUTSIDE_ACCESS = Technique("access from outside", "T1133", "External Remote Services")
CONTACT = Technique("unusual contact", "", "")
VOLUME = Technique("unusual activity", "", "")
TECHNIQUES = (
    SCAN,
    SCANNED,
    BEACON,
    TUNNEL,
    EXFILTRATION,
    LATERAL,
    BRUTE_FORCE,
    FLOOD,
    PROBED,
    OUTSIDE_ACCESS,
    CONTACT,
    VOLUME,
)
FROM_TARGET = {SCANNED: SCAN}
"""What the source of an alert did, where the target's alert has a name of its own for it."""


def resembles(reasons: Sequence[Reason], pairs: Sequence[Mapping[str, Any]], spec: FeatureSpec) -> Technique:
    """The technique that a prediction resembles, from its reasons and its strongest pairs; the first rule that holds.

    Many new or failing targets at once are a scan, and so are probes: first contacts that all fail at once. Else the
    strongest pair decides: by its direction, its port, how often and how much was sent. Without any pair, the activity
    as a whole is unusual. What is named always has the direction of the strongest pair, which is what a reader sees.
    """
    if not pairs:
        return _scan(reasons, "") or VOLUME
    pair = pairs[0]
    inside, inbound = pair["kind"].endswith("internal"), _is_inbound(pair["kind"])
    if spread := _scan(reasons, pair["kind"]):
        return spread
    if len(pairs) >= PROBES and all(_is_probe(each) for each in pairs):
        return SCANNED if inbound else SCAN
    login = any(pair["peer_port"] in spec.port_sets[name] for name in LOGIN_SETS)
    if login and pair["sessions_day"] >= MANY_TRIES:
        return BRUTE_FORCE
    if inside:
        return LATERAL if login else CONTACT
    if inbound:
        return PROBED if pair["failed_day"] >= pair["sessions_day"] else OUTSIDE_ACCESS
    return _outbound(pair)


def _scan(reasons: Sequence[Reason], kind: str) -> Technique | None:
    """A scan, if a quarter of the score comes from the number of targets, they are many, and begun by the same side.

    The number of targets weighs a quarter in the score, so that it is never most of it beside a single odd pair.

    Many new peers outside that answer are browsing, and many new clients of a server are visitors.
    """
    targets = [reason for reason in reasons if reason.feature.startswith("spread_")]
    score = sum(reason.contribution for reason in reasons)
    many = [
        reason
        for reason in targets
        if (reason.value or 0) >= MANY_TARGETS
        and reason.feature in (FAILED_TARGETS if _is_visit(reason.kind or kind) else MANY_OF)
        and (not kind or _is_inbound(reason.kind or kind) == _is_inbound(kind))
    ]
    if not many or sum(reason.contribution for reason in targets) < SPREAD_SHARE * score:
        return None
    return SCANNED if _is_inbound(many[0].kind or kind) else SCAN


def _is_inbound(kind: str) -> bool:
    return kind.startswith("inbound")


def _is_visit(kind: str) -> bool:
    """Whether new peers of that kind alone are no sign of a scan: those of servers, and those outside."""
    return kind != "outbound_internal"


def _is_probe(pair: Mapping[str, Any]) -> bool:
    few = pair["sessions_day"] <= PROBE_SESSIONS
    return bool(few and pair["failed_day"] >= pair["sessions_day"] and pair["new"])


def _outbound(pair: Mapping[str, Any]) -> Technique:
    """The technique that traffic with an external peer resembles."""
    failed = pair["failed_day"] / max(pair["sessions_day"], 1)
    now = pair["sessions"] / max(pair["sessions_day"], 1)
    if pair["sessions"] >= FLOOD_SESSIONS and failed >= FAILED_SHARE and now >= FAILED_SHARE:
        return FLOOD
    if pair["peer_port"] == DNS:
        return TUNNEL if pair["sessions_day"] >= MANY_TRIES else CONTACT
    sent = max((found for name, found in pair["pieces"].items() if name.startswith("net_sent")), default=0.0)
    tells = sent > 0 and sent >= UPLOAD_SHARE * max(pair["pieces"].values())
    net = pair["sent_day"] - pair.get("received_day", 0)
    beyond = (
        net > UPLOAD_FACTOR * pair["most"].get("net_sent_24h", 0.0)
        and net / max(pair["sessions_day"], 1) > UPLOAD_BYTES / 10
    )
    if net > UPLOAD_BYTES and (beyond or tells):
        return EXFILTRATION
    repeated = max(pair["sessions_day"], pair.get("lasting_windows", 0)) >= REPEATED  # a lasting contact is slow
    return BEACON if repeated else CONTACT
