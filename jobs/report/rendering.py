"""Alerts as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import click

from common.windows import iso
from jobs.report.transform import Evidence

WHOSE = {"host": "usually", "segment": "segment's usual", "training": "median of all"}
INDENT = " " * 6


@dataclass(frozen=True)
class Alert:
    """One prediction that made it into the report."""

    rank: int
    host_ip: str
    segment_id: str
    window_start_ts: datetime
    window_end_ts: datetime
    anomaly_score: float
    raw_score: float
    model_id: str
    reasons: tuple[Evidence, ...]

    def to_dict(self) -> dict[str, Any]:
        """The alert as JSON values."""
        return asdict(self) | {
            "window_start_ts": iso(self.window_start_ts),
            "window_end_ts": iso(self.window_end_ts),
            "reasons": [asdict(reason) for reason in self.reasons],
        }


def table(alerts: list[Alert], rows: int, hosts: int, span: str) -> str:
    """The alerts as a terminal shows them: a line each, and below it a line for each reason."""
    width = max(len("host"), *(len(alert.host_ip) for alert in alerts))
    lines = [
        f"{len(alerts)} of {rows:,} scored rows ({hosts:,} hosts, {span}), highest first",
        "",
        click.style(f"{'rank':>4}  {'host':<{width}}  {'window (UTC)':<22}  {'score':<7}  segment", bold=True),
    ]
    for alert in alerts:
        window = f"{alert.window_start_ts:%Y-%m-%d %H:%M}-{alert.window_end_ts:%H:%M}"
        head = f"{alert.rank:>4}  {alert.host_ip:<{width}}  {window:<22}  {score(alert.anomaly_score):<7}"
        lines.append(f"{head}  {alert.segment_id}")
        lines += [f"{INDENT}{_reason(reason)}" for reason in alert.reasons]
    return "\n".join(lines)


def score(value: float) -> str:
    """The score with five decimals, cut rather than rounded so that only 1 reads as 1."""
    return f"{int(value * 1e5) / 1e5:.5f}"


def amount(value: float | None, kind: str) -> str:
    """A value in the notation of its kind: counts with separators, bytes and seconds with units."""
    if value is None:
        return "unknown"
    if kind == "bytes":
        for unit in ("B", "kB", "MB", "GB"):
            if abs(value) < 1000:
                return f"{value:.3g} {unit}"
            value /= 1000
        return f"{value:.3g} TB"
    if kind in ("count", "flag") and abs(value) >= 10:
        return f"{value:,.0f}"
    text = f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
    return {"seconds": f"{text} s", "entropy": f"{text} bit"}.get(kind, text)


def _reason(reason: Evidence) -> str:
    usual = f", {WHOSE[reason.usual_of]} {amount(reason.usual, reason.kind)}" if reason.usual_of in WHOSE else ""
    return f"{reason.feature} {amount(reason.value, reason.kind)}{usual}  ({reason.share:.0%})"
