"""What the table of pipelines is made of: parameters, options, resources and steps. Needs no SageMaker SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Parameter:
    """A parameter of a pipeline. One without a default must be given at each start.

    Attributes:
        name: its name in SageMaker.
        default: its value where none is given; a number makes it an integer parameter, anything else a string.
        choices: the only values that it takes; empty for any value.
    """

    name: str
    default: str | int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimeRange:
    """`START/END`, from two parameters."""

    start: Parameter
    end: Parameter


@dataclass(frozen=True)
class Execution:
    """The ARN of the pipeline's execution."""


Value: TypeAlias = str | Parameter | TimeRange | Execution
Options: TypeAlias = Mapping[str, Value]


def choice(name: str, *values: str) -> Parameter:
    """A parameter that takes one of the values; the first is its default."""
    return Parameter(name, values[0], values)


def time_range(start: str, end: str) -> TimeRange:
    """`START/END`, from the parameters with these names."""
    return TimeRange(Parameter(start), Parameter(end))


@dataclass(frozen=True)
class Resources:
    """What the jobs of a pipeline, or of one of its steps, run on unless a start says otherwise.

    The names of the parameters begin with the prefix.
    """

    instance_type: str
    volume_size_in_gb: int
    max_runtime_in_seconds: int
    instance_count: int = 1
    prefix: str = ""

    @property
    def parameters(self) -> tuple[Parameter, Parameter, Parameter, Parameter]:
        """Instance type, number of instances, volume size in GB, and longest run time in seconds."""
        return (
            Parameter(f"{self.prefix}InstanceType", self.instance_type),
            Parameter(f"{self.prefix}InstanceCount", self.instance_count),
            Parameter(f"{self.prefix}VolumeSizeInGB", self.volume_size_in_gb),
            Parameter(f"{self.prefix}MaxRuntimeInSeconds", self.max_runtime_in_seconds),
        )


@dataclass(frozen=True)
class StageStep:
    """A step that runs a stage.

    Attributes:
        name: name of the step in SageMaker.
        command: command of the stage, which is also the name of its image.
        options: options of the command, in addition to those that all steps have.
        resources: what it runs on, if not on what the pipeline's jobs do.
        has_engine: whether the command takes the engine.
    """

    name: str
    command: str
    options: Options
    resources: Resources | None = None
    has_engine: bool = True


@dataclass(frozen=True)
class Pipeline:
    """Steps that run one after the other, each as a processing job with these resources.

    `rights` names what the jobs may do beyond reading logs and writing the lake, and with that their role.
    """

    resources: Resources
    steps: tuple[StageStep, ...]
    rights: str = "pipeline"


def parameters_of(options: Options) -> Iterator[Parameter]:
    """The parameters that the options use, in their order."""
    for value in options.values():
        if isinstance(value, Parameter):
            yield value
        elif isinstance(value, TimeRange):
            yield from (value.start, value.end)
