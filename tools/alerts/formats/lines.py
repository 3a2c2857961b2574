"""Cases as lines: syslog by RFC 5424, and ArcSight's Common Event Format."""

from __future__ import annotations

import re
from datetime import datetime

from common import __version__
from common.addresses import plain_address
from common.windows import parse_moment
from tools.alerts.formats.met import indicator_names
from tools.alerts.formats.ocsf import PRODUCT, VENDOR
from tools.alerts.formats.times import to_the_second
from tools.alerts.handover import Handover

FACILITY = 13  # log audit
SYSLOG_SEVERITY = {"critical": 2, "high": 3, "medium": 4, "low": 5}
CEF_SEVERITY = {"critical": 10, "high": 8, "medium": 6, "low": 4}
CEF_NAME, CEF_TEXT, CEF_CUSTOM = 512, 1023, 4000
"""Most characters of the name, of a text, and of a custom text; receivers cut or refuse more."""
NUMBER = 32473
"""The private enterprise number that RFC 5612 keeps for examples: elements of this project carry it."""


def syslog(handover: Handover, project: str, now: datetime) -> str:
    """The message as a line of RFC 5424, with structured data and a text in UTF-8."""
    case = handover.case
    priority = FACILITY * 8 + SYSLOG_SEVERITY[case["severity"]]
    fields = {
        "project": project, "case": case["case_id"], "action": handover.action, "key": handover.key,
        "severity": case["severity"], "decades": f"{case['decades']:.2f}", "source": case["source"],
        "technique": case["technique"]["name"], "attack": case["technique"]["attack_id"], "status": case["status"],
        "start": to_the_second(parse_moment(case["start"])), "end": to_the_second(parse_moment(case["end"])),
        "targets": ",".join(case["targets"]), "user": case["user"] or "",
        "criticality": case["criticality"] or "", "indicators": ", ".join(indicator_names(case)),
    }  # fmt: skip
    shown = " ".join(f'{name}="{_parameter(value)}"' for name, value in fields.items() if value)
    head = f"<{priority}>1 {to_the_second(now)} - {PRODUCT} - case"
    return f"{head} [ndr@{NUMBER} {shown}] \ufeff{_one_line(case['sentence'])}"


def cef(handover: Handover, project: str, now: datetime) -> str:
    """The message as a line of CEF, version 0."""
    case = handover.case
    technique = case["technique"]
    name = f"{technique['name']}: {case['sentence']}"
    head = [VENDOR, PRODUCT, __version__, technique["attack_id"] or technique["name"], name[:CEF_NAME]]
    fields = {
        "rt": str(int(now.timestamp() * 1000)),
        "start": str(int(parse_moment(case["start"]).timestamp() * 1000)),
        "end": str(int(parse_moment(case["end"]).timestamp() * 1000)),
        "src": plain_address(case["source"]),
        "shost": case["names"].get(case["source"], ""),
        "suser": case["user"] or "",
        "act": handover.action,
        "externalId": case["case_id"],
        "cs1Label": "status", "cs1": case["status"],
        "cs2Label": "key", "cs2": handover.key,
        "cs3Label": "project", "cs3": project,
        "cs4Label": "indicators" if case["indicators"] else "", "cs4": ", ".join(indicator_names(case)),
        "cs5Label": "criticality" if case["criticality"] else "", "cs5": case["criticality"] or "",
        "cfp1Label": "decades", "cfp1": f"{case['decades']:.2f}",
        "msg": case["sentence"],
    }  # fmt: skip
    if case["contacts"]:
        strongest = case["contacts"][0]
        fields |= {"dst": plain_address(strongest["target"]), "dpt": str(strongest["port"])}
    most = {name: CEF_CUSTOM for name in fields if name.startswith("cs")}
    shown = " ".join(
        f"{name}={_extension(value[: most.get(name, CEF_TEXT)])}" for name, value in fields.items() if value
    )
    return "|".join(["CEF:0", *map(_header, head), str(CEF_SEVERITY[case["severity"]]), shown])


def _parameter(text: str) -> str:
    """The value of a parameter of structured data; quotes, backslashes and brackets are escaped."""
    return re.sub(r'(["\\\]])', r"\\\1", _one_line(text))


def _header(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _extension(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "").replace("\n", "\\n")


def _one_line(text: str) -> str:
    """The text without control characters, which would end a line."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)
