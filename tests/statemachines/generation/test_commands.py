"""Commands of tasks follow from the parameters of their pipeline; what does not fit is said with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog import PIPELINES
from statemachines.definitions import FUSED, pipelines
from statemachines.generation.commands import FRAGMENTS, command_of, task_of
from statemachines.generation.expansion import Expander
from statemachines.generation.sources import SourceError

GIVEN = [
    {"Name": "ProjectName", "Value": "{% $project_name %}"},
    {"Name": "LakeUri", "Value": "s3://lake"},
    {"Name": "MiniBatchId", "Value": "b1"},
    {"Name": "BatchStartTsIso", "Value": "{% $late ? $start : $other %}"},
    {"Name": "BatchEndTsIso", "Value": "2026-03-10T13:23:00Z"},
]


def test_a_command_has_all_options_with_what_is_given_or_their_defaults() -> None:
    assert command_of("PipelineNamePredictionJoin", GIVEN) == [
        *("--project-name", "{% $project_name %}"),
        *("--feature-spec-version", "v1"),
        *("--lake", "s3://lake"),
        *("--parameters", "dynamodb://project_parameters"),
        *("--engine", "sail"),
        *("--mini-batch-id", "b1"),
        *("--window", "{% ($late ? $start : $other) & '/' & '2026-03-10T13:23:00Z' %}"),
        *("--destination", "lake"),
        *("--staged", "none"),
    ]


def test_a_task_has_the_name_of_the_one_command_of_its_pipeline() -> None:
    named = {placeholder: name for placeholder, name in pipelines(FUSED).items() if len(PIPELINES[name].steps) == 1}
    assert {PIPELINES[name].steps[0].command for name in named.values()} == set(map(task_of, named))
    assert task_of("PipelineName15m") == "ndr-15m"


@pytest.mark.parametrize(
    ("pipeline", "parameters", "said"),
    [
        ("PipelineNameIFTraining", GIVEN, "ndr-if-training has 7 steps, and a task has one"),
        ("PipelineNamePredictionJoin", [*GIVEN, {"Name": "Colour", "Value": "red"}], "takes no Colour"),
        ("PipelineNamePredictionJoin", GIVEN[:-1], "BatchEndTsIso has no value"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(pipeline: str, parameters: Any, said: str, tmp_path: Path) -> None:
    expander = Expander({fragment.name: fragment for fragment in FRAGMENTS})
    call = {"use": "command_of", "with": {"pipeline": pipeline, "parameters": parameters}}
    source = {"Steps": {"Work": {"RunTask": {"Type": "Task", "Command": call}}}}
    with pytest.raises(SourceError, match=f"m.yaml > Work > RunTask.*{said}"):
        expander.machine(source, "m.yaml")
