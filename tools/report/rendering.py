"""Alerts as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import click

from common.cases.amounts import score
from common.cases.customers import Customer, customer_words
from common.cases.evidence import Evidence, reason_words
from common.cases.wording import peer_words
from common.detection.alerts.techniques import Technique
from common.display import counted, on_terminal
from common.errors import one_line
from common.windows import iso

INDENT = " " * 6
PEERS_SHOWN = 3


@dataclass(frozen=True)
class Alert:
    """A prediction in the report."""

    rank: int
    host_ip: str
    segment_id: str
    window_start_ts: datetime
    window_end_ts: datetime
    anomaly_score: float
    raw_score: float
    model_id: str
    incomplete_reason: str | None
    score_note: str | None
    technique: Technique
    peers: tuple[Mapping[str, Any], ...]
    alerts_before: int
    user: str | None
    users_cnt: int
    reasons: tuple[Evidence, ...]
    customer: Customer = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """The alert as a row of a table: of its reasons the strongest, of its peers none."""
        shown = {name: value for name, value in self.to_dict().items() if name not in ("peers", "reasons")}
        return shown | {
            "technique": self.technique.name,
            "strongest_feature": self.reasons[0].feature if self.reasons else None,
        }

    def to_dict(self) -> dict[str, Any]:
        """The alert as JSON values."""
        values = asdict(self)
        values |= values.pop("customer")
        return values | {
            "window_start_ts": iso(self.window_start_ts),
            "window_end_ts": iso(self.window_end_ts),
            "peers": list(self.peers),
            "reasons": [asdict(reason) for reason in self.reasons],
        }


def table(alerts: list[Alert], rows: int, hosts: int, span: str, learning: str = "") -> str:
    """The alerts as text for a terminal: a line for each, followed by a line for each reason."""
    width = max(len("host"), *(len(alert.host_ip) for alert in alerts))
    found = f"{len(alerts):,} of {counted(rows, 'scored row')} ({counted(hosts, 'host')}, {span}), highest first"
    above = [found, *filter(None, [learning]), ""]
    lines = []
    for alert in alerts:
        window = f"{alert.window_start_ts:%Y-%m-%d %H:%M}-{alert.window_end_ts:%H:%M}"
        head = f"{alert.rank:>4}  {alert.host_ip:<{width}}  {window:<22}  {score(alert.anomaly_score):<7}"
        lines.append(f"{head}  {alert.segment_id}")
        if alert.incomplete_reason:
            lines.append(f"{INDENT}logs of this window are incomplete: {one_line(alert.incomplete_reason)}")
        if alert.score_note:
            lines.append(f"{INDENT}{one_line(alert.score_note)}")
        lines.append(f"{INDENT}{_resembles(alert)}")
        if alert.user:
            others = f" and {alert.users_cnt - 1:,} more" if alert.users_cnt > 1 else ""
            lines.append(f"{INDENT}used by {one_line(alert.user)}{others}")
        lines += [f"{INDENT}{words}" for words in customer_words(alert.customer)]
        lines += [f"{INDENT}{peer_words(pair)}" for pair in alert.peers[:PEERS_SHOWN]]
        lines += [f"{INDENT}{reason_words(reason)}" for reason in alert.reasons]
    heading = click.style(f"{'rank':>4}  {'host':<{width}}  {'window (UTC)':<22}  {'score':<7}  segment", bold=True)
    return "\n".join([*above, heading, *map(on_terminal, lines)])


def _resembles(alert: Alert) -> str:
    """The technique that the alert resembles, and how often its host alerted lately."""
    technique = f" ({alert.technique.attack_id} {alert.technique.attack_name})" if alert.technique.attack_id else ""
    before = counted(alert.alerts_before, "alert") if alert.alerts_before else "no alert"
    return f"resembles: {alert.technique.name}{technique}; {before} for this host in the previous 7 days"
