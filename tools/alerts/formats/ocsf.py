"""Cases as Detection Findings of the Open Cybersecurity Schema Framework 1.3 (class 2004)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common import __version__
from common.addresses import plain_address
from common.detection.alerts.terms import CLOSED, EXPECTED, FALSE, IN_PROGRESS, NEW, TRUE
from common.windows import parse_moment
from tools.alerts.formats.met import indicators_met, since
from tools.alerts.handover import ACTIONS, Handover

CLASS, CATEGORY, SCHEMA = 2004, 2, "1.3.0"
SEVERITY = {"low": 2, "medium": 3, "high": 4, "critical": 5}
STATUS = {NEW: 1, IN_PROGRESS: 2, TRUE: 2, FALSE: 4, EXPECTED: 3, CLOSED: 4}
SUPPRESSED = 3
CONTACTS = 20
VENDOR, PRODUCT = "NDR", "ndr-paloalto"


def finding(handover: Handover, project: str, now: datetime) -> dict[str, Any]:
    """The message as a Detection Finding; times are milliseconds since 1970."""
    case, activity = handover.case, ACTIONS.index(handover.action) + 1
    hidden = case["hidden_by"] is not None and case["status"] == NEW
    return {
        "activity_id": activity,
        "activity_name": handover.action.capitalize(),
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity,
        "time": _millis(now),
        "start_time": _millis(parse_moment(case["start"])),
        "end_time": _millis(parse_moment(case["end"])),
        "severity_id": SEVERITY[case["severity"]],
        "severity": case["severity"].capitalize(),
        "status_id": SUPPRESSED if hidden else STATUS[case["status"]],
        "message": case["sentence"],
        "metadata": {
            "version": SCHEMA,
            "uid": handover.key,
            "product": {"name": PRODUCT, "vendor_name": VENDOR, "version": __version__},
            "labels": [f"project:{project}"],
        },
        "finding_info": {
            "uid": case["case_id"],
            "title": f"{case['source']}: {case['technique']['name']}",
            "desc": case["sentence"],
            "first_seen_time": _millis(parse_moment(case["start"])),
            "last_seen_time": _millis(parse_moment(case["end"])),
            "modified_time": _millis(now),
            "types": case["techniques"],
            "attacks": _attacks(case["technique"]),
        },
        "evidences": [_evidence(contact) for contact in case["contacts"][:CONTACTS]],
        "resources": [{"uid": host, "name": case["names"].get(host, host), "type": "host"} for host in case["targets"]],
        "enrichments": [_enrichment(*met) for met in indicators_met(case)],
        "comment": case["note"] or "",
        "risk_score": round(case["decades"] * 20),
        "confidence_score": min(99, round(100 * case["score"])),
    }


def _attacks(technique: dict[str, str]) -> list[dict[str, Any]]:
    if not technique["attack_id"]:
        return []
    return [{"version": "17", "technique": {"uid": technique["attack_id"], "name": technique["attack_name"]}}]


def _evidence(contact: dict[str, Any]) -> dict[str, Any]:
    return {
        "src_endpoint": {"ip": plain_address(contact["source"])},
        "dst_endpoint": {"ip": plain_address(contact["target"]), "port": contact["port"]},
        "data": {name: contact[name] for name in ("sessions", "failed", "sent", "received", "decades", "new")},
    }


def _enrichment(meeting: Mapping[str, Any], indicator: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "evidences[].dst_endpoint.ip" if meeting["role"] == "outbound" else "evidences[].src_endpoint.ip",
        "value": plain_address(meeting["peer_ip"]),
        "type": "indicator",
        "provider": indicator["source"],
        "created_time": _millis(parse_moment(since(indicator))),
        "data": {"sessions": meeting["sessions"], **indicator},
    }


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
