"""Cases as rows of CSV."""

from __future__ import annotations

from datetime import datetime

from common.display import in_csv
from common.windows import parse_moment
from tools.alerts.formats.met import indicator_names
from tools.alerts.formats.times import to_the_second
from tools.alerts.handover import Handover

COLUMNS = (
    "time", "action", "key", "project", "case_id", "severity", "decades", "technique", "attack_id", "source", "user",
    "targets", "peers", "start", "end", "status", "owner", "sentence", "criticality", "indicators",
)  # fmt: skip


def row(handover: Handover, project: str, now: datetime) -> dict[str, str]:
    """The message as a row; no cell is a formula for a spreadsheet."""
    case = handover.case
    values = {
        "time": to_the_second(now), "action": handover.action, "key": handover.key, "project": project,
        "case_id": case["case_id"], "severity": case["severity"], "decades": f"{case['decades']:.2f}",
        "technique": case["technique"]["name"], "attack_id": case["technique"]["attack_id"], "source": case["source"],
        "user": case["user"] or "", "targets": " ".join(case["targets"]),
        "peers": " ".join(dict.fromkeys(contact["target"] for contact in case["contacts"])),
        "start": to_the_second(parse_moment(case["start"])), "end": to_the_second(parse_moment(case["end"])),
        "status": case["status"], "owner": case["owner"] or "", "sentence": case["sentence"],
        "criticality": case["criticality"] or "", "indicators": " ".join(indicator_names(case)),
    }  # fmt: skip
    return {name: in_csv(values[name]) for name in COLUMNS}
