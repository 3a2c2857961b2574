"""Cases as bundles of STIX 2.1: an incident with what was seen of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.addresses import plain_address
from common.windows import parse_moment
from tools.alerts.formats.met import indicators_met, since
from tools.alerts.formats.ocsf import CONTACTS, PRODUCT
from tools.alerts.formats.times import to_the_second
from tools.alerts.handover import Handover

OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""The namespace that STIX 2.1 gives for identifiers of observables."""

SINCE = "2026-01-01T00:00:00Z"
"""When this project and its techniques were created, for objects that all bundles share."""

OURS = uuid.uuid5(uuid.NAMESPACE_DNS, PRODUCT)


def bundle(handover: Handover, project: str, now: datetime) -> dict[str, Any]:
    """The message as a bundle: who says it, the incident, its addresses, and its technique; the same ids every time."""
    case = handover.case
    start, end = (to_the_second(parse_moment(case[name])) for name in ("start", "end"))
    identity = _object("identity", project, SINCE, SINCE, name=f"{PRODUCT} {project}", identity_class="system")
    ends = [end for one in case["contacts"][:CONTACTS] for end in (one["source"], one["target"])]
    addresses = {host: _address(host) for host in dict.fromkeys([*case["sources"], *case["targets"], *ends])}
    labels = [case["technique"]["name"], case["severity"], case["status"], handover.action]
    incident = _object(
        "incident", case["case_id"], start, to_the_second(now), name=f"{case['source']}: {case['technique']['name']}",
        description=case["sentence"], labels=labels, created_by_ref=identity["id"],
        external_references=[{"source_name": PRODUCT, "external_id": case["case_id"]}],
    )  # fmt: skip
    seen = _object(
        "observed-data", f"{case['case_id']} seen", start, to_the_second(now), first_observed=start, last_observed=end,
        number_observed=max(1, case["windows"]), object_refs=[one["id"] for one in addresses.values()],
        created_by_ref=identity["id"],
    )  # fmt: skip
    objects = [identity, *addresses.values(), seen, incident, _relation(incident, "related-to", seen, start, now)]
    for meeting, indicator in indicators_met(case):
        known, sighting = _sighting(meeting, indicator, seen["id"], now)
        objects += [one for one in (known, sighting) if one not in objects]
    if case["technique"]["attack_id"]:
        pattern = _pattern(case["technique"])
        objects += [pattern, _relation(incident, "related-to", pattern, start, now)]
    return {"type": "bundle", "id": f"bundle--{uuid.uuid5(OURS, handover.key)}", "objects": objects}


def _pattern(technique: Mapping[str, str]) -> dict[str, Any]:
    reference = {"source_name": "mitre-attack", "external_id": technique["attack_id"]}
    return _object(
        "attack-pattern", technique["attack_id"], SINCE, SINCE, name=technique["attack_name"],
        external_references=[reference],
    )  # fmt: skip


def _sighting(
    meeting: Mapping[str, Any], indicator: Mapping[str, Any], seen: str, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An indicator that was met, and that it was."""
    kind = "ipv6-addr" if ":" in indicator["value"] else "ipv4-addr"
    how = "ISSUBSET" if "/" in indicator["value"] else "="
    known_since = to_the_second(parse_moment(since(indicator)))
    reference = {"source_name": indicator["source"], "description": indicator["reference"]}
    given = {
        "confidence": indicator["confidence"],
        "labels": indicator["labels"],
        "external_references": [reference] if indicator["reference"] else None,
    }
    known = _object(
        "indicator", indicator["indicator_id"], known_since, known_since,
        name=f"{indicator['source']}: {indicator['value']}", pattern_type="stix", valid_from=known_since,
        pattern=f"[{kind}:value {how} '{indicator['value']}']",
        **{name: value for name, value in given.items() if value},
    )  # fmt: skip
    first, last = (to_the_second(parse_moment(meeting[name])) for name in ("first", "last"))
    name = f"{meeting['host_ip']} {meeting['peer_ip']} {meeting['peer_port']} {indicator['indicator_id']}"
    return known, _object(
        "sighting", name, first, to_the_second(now), first_seen=first, last_seen=last,
        count=min(max(1, meeting["sessions"]), 999_999_999), sighting_of_ref=known["id"], observed_data_refs=[seen],
    )  # fmt: skip


def _relation(
    source: Mapping[str, Any], how: str, target: Mapping[str, Any], created: str, now: datetime
) -> dict[str, Any]:
    name = f"{source['id']} {how} {target['id']}"
    refs = {"source_ref": source["id"], "target_ref": target["id"]}
    return _object("relationship", name, created, to_the_second(now), relationship_type=how, **refs)


def _object(kind: str, of: str, created: str, modified: str, **more: Any) -> dict[str, Any]:
    number = uuid.uuid5(OURS, f"{kind} {of}")
    times = {"created": created, "modified": max(created, modified)}
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{number}", **times, **more}


def _address(host: str) -> dict[str, Any]:
    """The address of a host; its id follows from its value, as STIX says."""
    value = plain_address(host)
    kind = "ipv6-addr" if ":" in value else "ipv4-addr"
    number = uuid.uuid5(OBSERVABLES, f'{{"value":"{value}"}}')
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{number}", "value": value}
