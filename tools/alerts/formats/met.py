"""The indicators that a case has met, as other systems want them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Met = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A meeting, and one of its indicators."""


def indicators_met(case: Mapping[str, Any]) -> Iterator[Met]:
    """The meetings of a case, once for each indicator."""
    for meeting in case["indicators"]:
        for indicator in meeting["indicators"]:
            yield meeting, indicator


def since(indicator: Mapping[str, Any]) -> str:
    """Since when the source knows of it, or else when it was imported."""
    moment: str = indicator["valid_from"] or indicator["imported"]
    return moment


def indicator_names(case: Mapping[str, Any]) -> list[str]:
    """What was met, with its source and its date: `203.0.113.9 (feodo 2026-03-01)`; each once."""
    named = (
        f"{indicator['value']} ({indicator['source']} {since(indicator)[:10]})" for _, indicator in indicators_met(case)
    )
    return [*dict.fromkeys(named)]
