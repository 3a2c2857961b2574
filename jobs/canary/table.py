"""The result of the canary as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.display import on_terminal
from common.lake.canary import CanaryResult


def as_table(result: CanaryResult) -> str:
    """A line for each attack, below one that says what was scored by which model."""
    found = len(result.attacks) - len(result.missed)
    head = (
        f"{found} of {len(result.attacks)} attacks in a copy of {result.window} are among the first {result.top} hosts "
        f"by model {on_terminal(result.model_id)}"
    )
    return "\n".join([head, *map(_line, result.attacks)])


def _line(attack: Mapping[str, Any]) -> str:
    if attack["anomaly_score"] is None:
        score = "not scored"
    else:
        score = f"anomaly_score {attack['anomaly_score']:.4f}, {'alerts' if attack['alerts'] else 'does not alert'}"
        score += f", resembles {attack['technique']}"
    word = "found" if attack["passed"] else "missed"
    return (
        f"  {word:6} {attack['attack']:7} {on_terminal(attack['host'])}: rank {attack['rank']} of {attack['hosts']} "
        f"({attack['rank_before']} without it), {score}"
    )
