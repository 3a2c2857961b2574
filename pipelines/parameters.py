"""The parameters of the pipelines, as the options of the commands that take them.

An option is worth a constant, a parameter, or parameters joined to one string. What a pipeline declares follows from
its steps: nothing is declared that no step uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import Parameter, ParameterInteger, ParameterString

from common.runtime.engine import ENGINES

Value: TypeAlias = str | Parameter | Join
Options: TypeAlias = Mapping[str, Value]

# what Docker calls images that were built locally and never pushed
IMAGE_REGISTRY = ParameterString("ImageRegistry", default_value="docker.io/library")
IMAGE_TAG = ParameterString("ImageTag", default_value="latest")
ROLE_ARN = ParameterString("RoleArn")

PROJECT: Options = {
    "--project-name": ParameterString("ProjectName"),
    "--feature-spec-version": ParameterString("FeatureSpecVersion", default_value="v1"),
    "--lake": ParameterString("LakeUri"),
    "--parameters": ParameterString("ParametersUri", default_value="dynamodb://project_parameters"),
    "--engine": ParameterString("Engine", default_value=ENGINES[0], enum_values=list(ENGINES)),
}


def text(name: str, default: str | None = None) -> Parameter:
    """A string; without a default, each start must give it."""
    return ParameterString(name, default_value=default)


def choice(name: str, *values: str) -> Parameter:
    """One of the values; the first is the default."""
    return ParameterString(name, default_value=values[0], enum_values=list(values))


def time_range(start: str, end: str) -> Join:
    """`START/END`, of two parameters."""
    return Join(on="/", values=[text(start), text(end)])


MINI_BATCH: Options = {
    "--mini-batch-id": text("MiniBatchId"),
    "--window": time_range("BatchStartTsIso", "BatchEndTsIso"),
}


@dataclass(frozen=True)
class Resources:
    """The defaults of what a step's job runs on."""

    instance_type: str
    volume_size_in_gb: int
    max_runtime_in_seconds: int

    def parameters(self) -> tuple[Parameter, Parameter, Parameter, Parameter]:
        """Instance type, instance count, volume size and longest run time."""
        return (
            ParameterString("InstanceType", default_value=self.instance_type),
            ParameterInteger("InstanceCount", default_value=1),
            ParameterInteger("VolumeSizeInGB", default_value=self.volume_size_in_gb),
            ParameterInteger("MaxRuntimeInSeconds", default_value=self.max_runtime_in_seconds),
        )


def parameters_of(options: Options) -> Iterator[Parameter]:
    """The parameters that the options take, in their order."""
    for value in options.values():
        for part in value.values if isinstance(value, Join) else [value]:
            if isinstance(part, Parameter):
                yield part
