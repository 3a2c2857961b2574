"""Metrics of what steps do, which the commands log where their environment names a namespace."""

from __future__ import annotations

from common.runtime.metrics import VARIABLE
from pipelines.definitions import Definition


def namespace(prefix: str) -> str:
    """The namespace of the metrics of an environment, whose name the prefix is made of."""
    return f"{prefix}ndr"


def with_metrics(definition: Definition, prefix: str) -> Definition:
    """The definition, whose steps make metrics of what they do."""
    variables = {VARIABLE: namespace(prefix)}
    steps = [{**step, "Arguments": {**step["Arguments"], "Environment": variables}} for step in definition["Steps"]]
    return {**definition, "Steps": steps}
