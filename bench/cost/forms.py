"""The forms that are compared, and the jobs of each: its pipelines and their steps, from the committed definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.cost.published import RUNNERS, Runner
from pipelines.definitions import load
from statemachines.definitions import FOLDER

JOIN = "PipelineNamePredictionJoin"


@dataclass(frozen=True)
class Form:
    """A runner, and how the work is cut into jobs."""

    runner: str
    fused: bool
    by_range: bool
    """Whether an item of a backfill is a day, also where the definitions have windows."""
    publisher: str = ""
    """The runner of publications, if it is another one."""

    @property
    def title(self) -> str:
        """The name in tables."""
        other = ", publication by a function" if self.publisher else ""
        return f"{RUNNERS[self.runner].title}, {'fused' if self.fused else 'stepwise'}{other}"

    def runner_of(self, placeholder: str) -> Runner:
        """What runs the pipeline, or its work, that a placeholder of the definitions stands for."""
        return RUNNERS[self.publisher if self.publisher and placeholder == JOIN else self.runner]


FORMS = (
    Form("pipelines", fused=False, by_range=False),
    Form("pipelines", fused=True, by_range=True),
    Form("tasks", fused=False, by_range=True),
    Form("tasks", fused=True, by_range=True),
    Form("tasks with SOCI", fused=True, by_range=True),
    Form("tasks with SOCI", fused=True, by_range=True, publisher="functions"),
    Form("functions", fused=True, by_range=True),
)


@cache
def pipelines_of(fused: bool) -> dict[str, str]:
    """The pipeline for each placeholder of the definitions, as the template says."""
    template = (FOLDER / "template.yaml").read_text(encoding="utf-8")
    chosen = "ndr-15m-streaming-fused" if fused else "ndr-15m-streaming"
    found = re.findall(r"^  (PipelineName\w+): \{Value: (!Ref )?([\w-]+)\}$", template, re.MULTILINE)
    return {name: chosen if reference else value for name, reference, value in found}


@cache
def steps_of(pipeline: str) -> tuple[tuple[str, str], ...]:
    """Command and instance type of each step of a pipeline."""
    definition = load(pipeline)
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in definition["Parameters"]}

    def of_step(arguments: Mapping[str, Any]) -> tuple[str, str]:
        instance = arguments["ProcessingResources"]["ClusterConfig"]["InstanceType"]
        if isinstance(instance, dict):
            instance = defaults[instance["Get"].removeprefix("Parameters.")]
        return arguments["AppSpecification"]["ContainerEntrypoint"][0], str(instance)

    return tuple(of_step(step["Arguments"]) for step in definition["Steps"])
