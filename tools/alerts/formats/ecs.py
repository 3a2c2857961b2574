"""Cases as alert documents of the Elastic Common Schema."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.addresses import plain_address
from common.windows import parse_moment
from tools.alerts.formats.met import indicators_met, since
from tools.alerts.formats.ocsf import PRODUCT, SEVERITY, VENDOR
from tools.alerts.formats.times import to_the_second
from tools.alerts.handover import CLOSE, Handover

VERSION = "9.4.0"


def document(handover: Handover, project: str, now: datetime) -> dict[str, Any]:
    """The message as a document with `event.kind` alert."""
    case = handover.case
    technique, contacts = case["technique"], case["contacts"]
    start, end = parse_moment(case["start"]), parse_moment(case["end"])
    found: dict[str, Any] = {
        "@timestamp": to_the_second(now),
        "ecs": {"version": VERSION},
        "message": case["sentence"],
        "event": {
            "kind": "alert",
            "category": ["network", "intrusion_detection"],
            "type": ["info"],
            "action": handover.action,
            "id": handover.key,
            "start": to_the_second(start),
            "end": to_the_second(end),
            "duration": int((end - start).total_seconds() * 1e9),
            "severity": SEVERITY[case["severity"]],
            "risk_score": round(case["decades"] * 20, 1),
            "provider": PRODUCT,
            "dataset": f"ndr.{project}",
        },
        "rule": {"name": technique["name"], "id": technique["name"].replace(" ", "-")},
        "observer": {"vendor": VENDOR, "product": PRODUCT, "type": "ndr"},
        "source": {"ip": plain_address(case["source"]), "address": case["source"]},
        "related": {
            "ip": sorted({plain_address(end) for one in contacts for end in (one["source"], one["target"])}),
            "user": [case["user"]] if case["user"] else [],
            "hosts": sorted(case["names"].values()),
        },
        "labels": {
            "case_id": case["case_id"],
            "status": case["status"],
            "state": "recovered" if handover.action == CLOSE else "active",
        },
    }
    if case["user"]:
        found["user"] = {"name": case["user"]}
    if case["source"] in case["names"]:
        found["host"] = {"name": case["names"][case["source"]], "ip": [plain_address(case["source"])]}
    if contacts:
        strongest = contacts[0]
        found["destination"] = {"ip": plain_address(strongest["target"]), "port": strongest["port"]}
    if enrichments := [_enrichment(*met) for met in indicators_met(case)]:
        found["threat"] = {"enrichments": enrichments}
    if technique["attack_id"]:
        found["threat"] = found.get("threat", {}) | threat(technique)
    return found


def threat(technique: Mapping[str, str]) -> dict[str, Any]:
    """The technique of ATT&CK as ECS has it: parts of a technique stand below it."""
    number, _, part = technique["attack_id"].partition(".")
    name, _, part_name = technique["attack_name"].partition(": ")
    entry: dict[str, Any] = {"id": [number], "name": [name]}
    if part:
        entry["subtechnique"] = {"id": [technique["attack_id"]], "name": [part_name]}
    return {"framework": "MITRE ATT&CK", "technique": entry}


def _enrichment(meeting: Mapping[str, Any], indicator: Mapping[str, Any]) -> dict[str, Any]:
    """An indicator that was met, as threat intelligence has it."""
    peer = plain_address(meeting["peer_ip"])
    given = {"reference": indicator["reference"], "port": indicator["port"]}
    if indicator["confidence"] is not None:
        given["confidence"] = _confidence(indicator["confidence"])
    return {
        "indicator": {
            "type": "ipv6-addr" if ":" in peer else "ipv4-addr",
            "ip": peer,
            "provider": indicator["source"],
            "first_seen": to_the_second(parse_moment(since(indicator))),
            "description": ", ".join([indicator["value"], *indicator["labels"]]),
            **{name: value for name, value in given.items() if value is not None},
        },
        "matched": {
            "atomic": peer,
            "field": "destination.ip" if meeting["role"] == "outbound" else "source.ip",
            "type": "indicator_match_rule",
            "id": indicator["indicator_id"],
            "occurred": to_the_second(parse_moment(meeting["last"])),
        },
    }


def _confidence(percent: int) -> str:
    """The word of ECS, by the scale of STIX."""
    return next(word for word, least in (("High", 70), ("Medium", 30), ("Low", 1), ("None", 0)) if percent >= least)
