"""The state machines: their definitions, and the placeholders that deployment fills in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from common.errors import DeploymentError

FOLDER = Path(__file__).parent
MACHINES = {
    "sfn_ndr_handover": "RoleArnHandover",
    "sfn_ndr_prediction_publication": "RoleArnPredictionPublication",
    "sfn_ndr_15m_features_inference": "RoleArn15mFeaturesInference",
    "sfn_ndr_monthly_fg_b_baselines": "RoleArnMonthlyFgBBaselines",
    "sfn_ndr_backfill_reprocessing": "RoleArnBackfillReprocessing",
    "sfn_ndr_training_orchestrator": "RoleArnTrainingOrchestrator",
    "sfn_ndr_start_project": "RoleArnStartProject",
    "sfn_ndjson_ingestion": "RoleArnNdjsonIngestion",
    "sfn_customer_360": "RoleArnCustomer360",
}
"""Each machine, and the output of the stacks that holds the ARN of its role."""
CUSTOMER_360 = "sfn_customer_360"
"""The machine whose stack is deployed only where it is wanted."""

FUSED = "ndr-15m-streaming-fused"
"""The pipeline that makes all of a window in one job."""

_PIPELINE = re.compile(r'^  (PipelineName\w+): \{Value: !Sub "\$\{Environment\}(\$\{\w+\})?([\w-]*)"\}$', re.MULTILINE)
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def text_of(machine: str) -> str:
    """The definition as it is committed, with its placeholders."""
    return (FOLDER / f"{machine}.asl.json").read_text(encoding="utf-8")


def definition_of(machine: str) -> dict[str, Any]:
    """The parsed definition, with its placeholders."""
    parsed: dict[str, Any] = json.loads(text_of(machine))
    return parsed


def pipelines(form: str) -> dict[str, str]:
    """The pipeline that each placeholder stands for, with this form of the 15-minute pipeline, as its template says."""
    template = (FOLDER / "stacks" / "ndr.yaml").read_text(encoding="utf-8")
    return {name: form if reference else value for name, reference, value in _PIPELINE.findall(template)}


def placeholders(text: str) -> set[str]:
    """The names of all `${Placeholders}`."""
    return set(_PLACEHOLDER.findall(text))


def filled(machine: str, values: Mapping[str, str]) -> str:
    """The definition with every placeholder replaced, as one line of JSON.

    Raises:
        DeploymentError: a placeholder has no value.
    """
    text = text_of(machine)
    if missing := sorted(placeholders(text) - set(values)):
        raise DeploymentError(
            f"the state machine {machine} needs {', '.join(missing)}, which are not among the stack's outputs",
            "Add these outputs to a template in statemachines/stacks, or deploy the part that has them",
        )
    return json.dumps(json.loads(_PLACEHOLDER.sub(lambda match: json.dumps(values[match[1]])[1:-1], text)))


def states_of(definition: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and definition of every state, also of those inside maps and branches, in the order of the file."""
    for name, state in definition["States"].items():
        yield f"{path}{name}", state
        inner = [state["ItemProcessor"]] if "ItemProcessor" in state else state.get("Branches", [])
        for machine in inner:
            yield from states_of(machine, f"{path}{name}/")
