"""A window whose predictions and join are made in one job with its features, and one whose are made after them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from statemachines.definitions import filled
from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import engines, passed, walk
from tests.statemachines.machines.samples import BATCH, DEFINITIONS, LIVE, MESSAGES, PLACEHOLDERS, PUBLICATION
from tests.statemachines.machines.situations import entry
from tests.statemachines.machines.walker import Response, Script, Walk, Walker

SCORING = ["RenewForInference", "StartInferencePipeline", "DescribeInferencePipeline"]


def walked_as(form: str, situation: Situation) -> Walk:
    definition = json.loads(filled(LIVE, {**PLACEHOLDERS, "PipelineName15m": form}))
    script = Script(situation.all_responses(), situation.items_of())
    return Walker(LIVE, definition, engines()).walk(situation.message, script)


@pytest.mark.parametrize(
    ("form", "staged", "scored"), [("ndr-15m-streaming-fused", "0f3a", []), ("ndr-15m-streaming", "none", SCORING)]
)
def test_the_fused_form_goes_from_the_features_to_the_publication(form: str, staged: str, scored: list[str]) -> None:
    way = walked_as(form, Situation(LIVE, "usual", MESSAGES[LIVE]))
    assert way.arguments["Start15mFeaturesPipeline"][0]["PipelineName"] == form
    assert [name for name in dict.fromkeys(way.states) if name in SCORING] == scored
    assert way.arguments["StartPredictionPublicationWorkflow"][0]["Input"]["staged"] == staged
    assert way.arguments["RenewForPublication"][0]["ExpressionAttributeValues"][":batches"] == {"SS": [BATCH]}
    assert way.output["status"] == "SUCCEEDED"


def test_what_fails_after_the_features_is_no_fault_of_a_batch() -> None:
    failed = [{"PipelineExecutionStatus": "Failed"}]
    listed = [{"Items": [entry(BATCH), entry(f"{BATCH}0")]}]
    steps = [{"StepName": "Streaming15mStep", "StepStatus": "Failed", "FailureReason": "ndr-inference: no model"}]
    responses: dict[str, Sequence[Response]] = {
        "Describe15mFeaturesPipeline": failed,
        "ListMiniBatchesOfWindow": listed,
        "ExplainFeaturesFailure": [{"PipelineExecutionSteps": steps}],
    }
    way = walked_as("ndr-15m-streaming-fused", Situation(LIVE, "unscored", MESSAGES[LIVE], responses))
    assert len(way.arguments["Start15mFeaturesPipeline"]) == 1
    assert way.error == "Ndr.PipelineFailed" and "no model" in way.cause


def test_the_publication_passes_the_id_of_a_staged_join_on() -> None:
    message = {**MESSAGES[PUBLICATION], "staged": "0f3a"}
    for given, wanted in ((MESSAGES[PUBLICATION], "none"), (message, "0f3a")):
        way = walk(Situation(PUBLICATION, "usual", given))
        assert passed(way, "StartPredictionJoinPipeline")["StagedJoin"] == wanted


def test_a_window_without_22_of_its_batches_is_not_looked_for() -> None:
    many: list[dict[str, Any]] = [{"Items": [entry(BATCH), *(entry(f"{BATCH}{number:02}") for number in range(22))]}]
    failed = [{"PipelineExecutionStatus": "Failed"}]
    for listed, runs in ((many, 1), ([{"Items": many[0]["Items"][:22]}], 23)):
        responses: dict[str, Sequence[Response]] = {
            "Describe15mFeaturesPipeline": failed,
            "ListMiniBatchesOfWindow": listed,
        }
        way = walk(Situation(LIVE, "many", MESSAGES[LIVE], responses))
        assert len(way.arguments["Start15mFeaturesPipeline"]) == runs
    assert DEFINITIONS[LIVE]["TimeoutSeconds"] == 259200
