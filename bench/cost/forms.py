"""The forms that are compared, and the jobs of each: its pipelines and their steps, from the committed definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.cost.published import RUNNERS, Runner
from pipelines.definitions import load, names
from statemachines.definitions import FUSED, pipelines

STEPWISE = "ndr-15m-streaming"
JOINS = ("PipelineNamePredictionJoin", "ndr-join")
"""The publication, as a pipeline and as a task."""


@dataclass(frozen=True)
class Form:
    """A runner, and how the work of a window is cut into jobs."""

    runner: str
    fused: bool
    publisher: str = ""
    """The runner of publications, if it is another one."""

    @property
    def title(self) -> str:
        """The name in tables."""
        other = ", publication by a function" if self.publisher else ""
        return f"{RUNNERS[self.runner].title}, {'fused' if self.fused else 'stepwise'}{other}"

    def runner_of(self, work: str) -> Runner:
        """What runs a work, which is a placeholder of a pipeline or the family of a task."""
        return RUNNERS[self.publisher if self.publisher and work in JOINS else self.runner]

    def steps_of(self, work: str) -> tuple[tuple[str, str], ...]:
        """Command and instance type of each step of a work."""
        named = pipelines(FUSED if self.fused else STEPWISE)
        return steps_of(named[work]) if work in named else ((work, _instances()[work]),)


FORMS = (
    Form("pipelines", fused=False),
    Form("pipelines", fused=True),
    Form("tasks", fused=False),
    Form("tasks", fused=True),
    Form("tasks with SOCI", fused=True),
    Form("tasks with SOCI", fused=True, publisher="functions"),
    Form("functions", fused=True),
)


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


@cache
def _instances() -> dict[str, str]:
    """The instance type whose size a task has, by its family."""
    return {steps[0][0]: steps[0][1] for steps in map(steps_of, names()) if len(steps) == 1}
