"""The tables of `docs/pipelines.md` say what the catalog says."""

from __future__ import annotations

import re

from pipelines.catalog import PIPELINES, options_of
from pipelines.parameters import parameters_of
from tests.checkout import ROOT

TEXT = (ROOT / "docs" / "pipelines.md").read_text()


def test_steps_and_commands() -> None:
    rows = re.findall(r"^\| `(ndr-[a-z0-9-]+)` \| (.*) \| (.*) \|$", TEXT, re.M)
    wanted = {}
    for name, pipeline in PIPELINES.items():
        commands = dict.fromkeys(f"`{step.command}`" for step in pipeline.steps)
        wanted[name] = (" > ".join(step.name for step in pipeline.steps), ", ".join(commands))
    assert {name: (steps, commands) for name, steps, commands in rows} == wanted


def test_parameters_options_and_defaults() -> None:
    rows = [line for line in TEXT.splitlines() if re.match(r"\| `[A-Z]", line)]
    for pipeline in PIPELINES.values():
        for options in (options_of(step) for step in pipeline.steps):
            for option, value in options.items():
                for parameter in parameters_of({option: value}):
                    lines = [row for row in rows if f"`{parameter.name}`" in row and f"`{option}" in row]
                    assert lines, f"docs/pipelines.md has no row of {parameter.name} with {option}"
                    if parameter.default is not None:
                        assert any(f"| `{parameter.default}`" in line for line in lines), f"default of {parameter.name}"


def test_resources() -> None:
    rows = re.findall(r"^\| .* \| `(ml\.[^`]+)` \| (\d+) GB \| (\d+) min\b", TEXT, re.M)
    found = {(instance, int(volume), int(minutes) * 60) for instance, volume, minutes in rows}
    wanted = {
        (row.instance_type, row.volume_size_in_gb, row.max_runtime_in_seconds)
        for pipeline in PIPELINES.values()
        for row in (pipeline.resources, *(step.resources for step in pipeline.steps if step.resources))
    }
    assert found == wanted
