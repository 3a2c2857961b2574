"""The incidents of the report: those that feedback leaves, and those that it suppresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from common.detection.alerts.incidents import Incident, find_incidents
from common.detection.alerts.suppression import Mark, feedback_store, read_marks, suppress, verdict_of
from common.display import counted, on_terminal
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.runtime.rows import FLAT, print_rows
from common.windows import iso
from tools.report.amounts import amount, score
from tools.report.config import ReportConfig
from tools.report.customers import Customer, customer_words
from tools.report.rendering import INDENT
from tools.report.wording import feature_names, feature_words, pair_words, peer_words, span

REASONS_SHOWN = 3
PEERS_SHOWN = 3


def report_incidents(
    lake: Lake, spec: FeatureSpec, config: ReportConfig, customer_of: Callable[[str], Customer]
) -> None:
    """Prints the highest incidents, and every suppressed one with the mark that suppresses it.

    As rows, the highest ones come first; `suppressed_by` tells them apart.
    """
    marks = read_marks(feedback_store(lake.uri))
    shown, quiet = suppress(find_incidents(lake, spec, config.windows, config.min_score), marks)
    highest = [as_values(entry, marks) | customer_of(entry.host_ip) for entry in shown[: config.top]]
    suppressed = [
        as_values(entry, marks) | customer_of(entry.host_ip) | {"suppressed_by": mark.mark_id, "why": mark.reason}
        for entry, mark in quiet
    ]
    if config.form:
        rows = [entry | {"suppressed_by": None, "why": None} for entry in highest] + suppressed
        print_rows(map(_flat, rows) if config.form in FLAT else rows, config.form)
    elif config.as_json:
        found = {"incidents": highest, "incidents_found": len(shown)}
        click.echo(json.dumps(found | {"suppressed": suppressed, "suppressed_found": len(quiet)}, indent=1))
    else:
        click.echo("\n".join(map(on_terminal, _lines(shown, quiet, marks, config.top, spec, customer_of))))


def as_values(incident: Incident, marks: list[Mark]) -> dict[str, Any]:
    """The incident as JSON values."""
    times = {name: iso(getattr(incident, name)) for name in ("start", "end", "peak")}
    return asdict(incident) | times | {"peers": list(incident.peers), "verdict": verdict_of(incident, marks)}


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """The values as a row of a table: of its reasons the strongest, of its peers none."""
    reasons = values["reasons"]
    shown = {name: value for name, value in values.items() if name not in ("peers", "reasons")}
    strongest = reasons[0]["feature"] if reasons else None
    return shown | {"technique": values["technique"]["name"], "strongest_feature": strongest}


def _lines(
    shown: list[Incident],
    quiet: list[tuple[Incident, Mark]],
    marks: list[Mark],
    top: int,
    spec: FeatureSpec,
    customer_of: Callable[[str], Customer],
) -> list[str]:
    lines = [f"{counted(len(shown), 'incident')}, {len(quiet):,} suppressed by feedback; highest first", ""]
    for rank, incident in enumerate(shown[:top], start=1):
        lines += _incident(rank, incident, verdict_of(incident, marks), spec, customer_of(incident.host_ip))
    if quiet:
        lines += ["", "suppressed by feedback; scores are as they were:"]
    for incident, mark in quiet:
        lines.append(
            f"{INDENT}{incident.incident_id}  {incident.host_ip}  {incident.technique.name}  "
            f"{span(incident.start, incident.end)}  "
            f"by {mark.mark_id} ({mark.verdict}, until {mark.expires}): {mark.reason}"
        )
    return lines


def _incident(rank: int, incident: Incident, verdict: str, spec: FeatureSpec, customer: Customer) -> list[str]:
    looks = incident.technique
    named = f"{looks.name} ({looks.attack_id} {looks.attack_name})" if looks.attack_id else looks.name
    said = f"  marked {verdict}" if verdict else ""
    earlier, windows = counted(incident.earlier, "incident"), counted(incident.windows, "window")
    before = f"{earlier} of this host before" if incident.earlier else "the host's first incident"
    lines = [
        f"{rank:>4}  {incident.incident_id}  {incident.host_ip}  {named}  "
        f"{span(incident.start, incident.end)} UTC{said}",
        f"{INDENT}{windows}, peak {incident.peak:%H:%M} with {score(incident.score)}; {before}",
    ]
    lines += [f"{INDENT}{words}" for words in customer_words(customer)]
    lines += [f"{INDENT}{peer_words(pair)}" for pair in incident.peers[:PEERS_SHOWN]]
    names = feature_names(spec)
    for reason in incident.reasons[:REASONS_SHOWN]:
        name = names.get(reason.feature)
        words = pair_words(reason) or (feature_words(name, reason.value) if name else None)
        plain = f"{reason.feature} {amount(reason.value, 'ratio')}"
        lines.append(f"{INDENT}{words or plain}")
    return lines
