"""The table of results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    machine = found["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"medians of {found['repeats']}; load average {machine['load_average'][0]} at the start",
        "",
        "| target | measured | required | met |",
        "|---|---:|---:|---|",
    ]
    for entry in found["targets"]:
        sign, unit = "at least" if entry["at_least"] else "at most", entry["unit"]
        missed = f"**no**, by {entry['missed_by']:.2f} {unit}"
        lines.append(
            f"| {entry['target']} | {entry['value']:.2f} {unit} | {sign} {entry['limit']:g} {unit} "
            f"| {'yes' if entry['met'] else missed} |"
        )
    lines += ["", "| run | seconds | processor seconds | peak GiB | longest steps, s |", "|---|---:|---:|---:|---|"]
    for part, entries in found.items():
        for name, entry in _runs(entries):
            steps = sorted(entry["steps"].items(), key=lambda step: -step[1])[:4]
            named = ", ".join(
                f"{step.removeprefix('ndr-').removeprefix('c360-')} {seconds:.1f}" for step, seconds in steps
            )
            lines.append(
                f"| {part} {name} | {entry['seconds']:.1f} | {entry['cpu_seconds']:.1f} | {_peak(entry)} | {named} |"
            )
    return "\n".join(lines) + "\n"


def _runs(entries: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The measured runs of a part by name, those of its sizes included."""
    if isinstance(entries, dict) and {"cpu_seconds", "steps"} <= entries.keys():
        yield name, entries
    elif isinstance(entries, dict):
        for key, entry in entries.items():
            yield from _runs(entry, f"{name} {key}".strip())


def _peak(entry: dict[str, Any]) -> str:
    """The peak memory; nothing where it was not measured."""
    return f"{entry['peak_gib']:.2f}" if entry["peak_gib"] else ""
