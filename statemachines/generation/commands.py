"""Commands of tasks: what the one step of a pipeline runs, from the table of pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.catalog import PIPELINES, options_of
from pipelines.parameters import Parameter, StageStep, TimeRange, Value, parameters_of
from statemachines.definitions import FUSED, pipelines
from statemachines.generation.sources import Fragment, SourceError

NAME_PREFIX = "ndr-"
REMEDY = "Pass what pipelines/catalog.py declares"


def task_of(pipeline: str) -> str:
    """The task that runs a pipeline's one step, which has the name of its command.

    The features of a window are made in one job, whatever the form of their pipeline.

    Raises:
        SourceError: the pipeline has several steps.
    """
    return _step(pipeline).command


def family_of(pipeline: str) -> str:
    """The family of the task definition of that task in the environment: its name, whose beginning is a placeholder.

    Raises:
        SourceError: the pipeline has several steps.
    """
    return f"${{TaskFamilyPrefix}}{task_of(pipeline).removeprefix(NAME_PREFIX)}"


def command_of(pipeline: str, parameters: Sequence[Mapping[str, str]]) -> list[str]:
    """The arguments of a pipeline's one step, with these parameters and the defaults of the others.

    Raises:
        SourceError: the pipeline has several steps, or the parameters are not those that the step needs.
    """
    given = {entry["Name"]: entry["Value"] for entry in parameters}
    options = options_of(_step(pipeline))
    if unknown := sorted(set(given) - {parameter.name for parameter in parameters_of(options)}):
        raise SourceError(f"{pipeline} takes no {', '.join(unknown)}", REMEDY)
    return [part for name, value in options.items() for part in (name, _text(value, given))]


def _step(placeholder: str) -> StageStep:
    name = pipelines(FUSED)[placeholder]
    steps = PIPELINES[name].steps
    if len(steps) != 1:
        raise SourceError(f"{name} has {len(steps)} steps, and a task has one", "Use start_and_poll")
    return steps[0]


def _text(value: Value, given: Mapping[str, str]) -> str:
    """The value as a text, or as an expression where parameters are."""
    if isinstance(value, TimeRange):
        start, end = (_expression(_text(bound, given)) for bound in (value.start, value.end))
        return f"{{% {start} & '/' & {end} %}}"
    if not isinstance(value, Parameter):
        raise SourceError(f"a task cannot be given {value!r}", REMEDY)
    if value.name not in given and value.default is None:
        raise SourceError(f"{value.name} has no value", REMEDY)
    return given.get(value.name, str(value.default))


def _expression(text: str) -> str:
    return f"({text[2:-2].strip()})" if text.startswith("{%") else f"'{text}'"


FRAGMENTS = (
    Fragment(
        "task_of",
        "generation/commands.py",
        "The task that runs the one step of a pipeline.",
        ("pipeline",),
        {},
        task_of,
        holds_states=False,
    ),
    Fragment(
        "family_of",
        "generation/commands.py",
        "The family of the definition of that task.",
        ("pipeline",),
        {},
        family_of,
        holds_states=False,
    ),
    Fragment(
        "command_of",
        "generation/commands.py",
        "The command of a task, from the parameters of its pipeline.",
        ("pipeline", "parameters"),
        {},
        command_of,
        holds_states=False,
    ),
)
"""Fragments whose value is computed."""
