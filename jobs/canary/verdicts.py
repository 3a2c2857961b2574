"""Where attacks come out among the hosts of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.detection.alerts.alerting import Alert
from common.detection.alerts.terms import ALERT_SCORE
from jobs.canary.traffic import Attack


def judged(
    attacks: Sequence[Attack], scored: Sequence[Alert], before: Sequence[Alert], top: int
) -> tuple[Mapping[str, Any], ...]:
    """A mapping for each attack: its host, its rank by raw score among those scored, and whether that is at the top.

    `before` are the same hosts without the attacks. Ranks begin with 1; hosts with equal scores share the worst rank,
    so that a model which scores all hosts alike finds nothing. A host that was not scored comes after all others.
    """
    return tuple(_judged(attack, scored, before, top) for attack in attacks)


def _judged(attack: Attack, scored: Sequence[Alert], before: Sequence[Alert], top: int) -> Mapping[str, Any]:
    own = next((alert for alert in scored if alert.host_ip == attack.host), None)
    rank = _rank(attack.host, scored)
    return {
        "attack": attack.name,
        "host": attack.host,
        "rank": rank,
        "rank_before": _rank(attack.host, before),
        "hosts": len(scored),
        "anomaly_score": own.score if own else None,
        "alerts": own is not None and own.score >= ALERT_SCORE,
        "technique": own.technique.name if own else None,
        "passed": rank <= top,
    }


def _rank(host: str, scored: Sequence[Alert]) -> int:
    scores = {alert.host_ip: alert.raw_score for alert in scored}
    return sum(score >= scores[host] for score in scores.values()) if host in scores else len(scores) + 1
