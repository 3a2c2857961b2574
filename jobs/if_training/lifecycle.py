"""A run of the lifecycle: what all its stages work with, and the artifacts by which one knows of the other."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from common.config.project import ProjectParameters
from common.config.training import TrainingParameters
from common.detection.pairs.owners import OwnersFile, read_owners
from common.detection.registry.formats import parsed
from common.detection.registry.pointer import ArtifactStore, model_store
from common.errors import ModelError, StageError
from common.features.spec import FeatureSpec, load_spec
from common.lake.lake import Lake
from common.lake.orphans import clear_up
from common.runtime.context import new_report
from common.runtime.engine import Engine
from common.runtime.run_report import RunReport
from jobs.if_training.config import ALL, STAGES, TrainingConfig

ARTIFACTS = {
    "verify": "verify.json",
    "remediate": "remediation.json",
    "reverify": "reverify.json",
    "train": "report.json",
    "publish": "publication.json",
    "attributes": "attributes.json",
    "deploy": "deployment.json",
}
Artifact = dict[str, Any]
LEARNING = "learning"
"""The status of a run of a project that is too young for a model: what follows verification has nothing to do."""


@dataclass(frozen=True)
class TrainingRun:
    """What a stage works with. Of the engine, training uses the workers of a cluster alone."""

    config: TrainingConfig
    parameters: TrainingParameters
    spec: FeatureSpec
    project: ProjectParameters
    lake: Lake
    store: ArtifactStore
    report: RunReport
    run_id: str
    owners: OwnersFile | None
    engine: Engine

    @property
    def request(self) -> Artifact:
        """What the run was begun for; every artifact of the run holds it."""
        return {
            "project_name": self.config.project_name,
            "feature_spec_version": self.config.feature_spec_version,
            "baseline_horizon": self.project.model_horizon,
            "training_window": str(self.config.windows),
        }

    @property
    def alone(self) -> bool:
        """Whether all stages run here in order, with nothing but the lake."""
        return self.config.stage == ALL

    def read(self, stage: str) -> Artifact | None:
        """The artifact of a stage of this run, or None where it has not ended.

        Raises:
            ModelError: the artifact is damaged, or is of another request.
        """
        name = f"{self.run_id}/{ARTIFACTS[stage]}"
        if not self.store.exists(name):
            return None
        found = parsed(self.store.read(name), f"{self.store.uri}/{name}", f"Run --stage {stage} again")
        if found.get("request") != self.request:
            raise ModelError(
                f"run {self.run_id} was started for {_text(found.get('request'))}, not for {_text(self.request)}",
                "Give another --run-id, or the settings that the run was started with",
            )
        return found

    def require(self, stage: str) -> Artifact:
        """The artifact of a stage that has to be done before, and that says go.

        Raises:
            StageError: it is missing, or says no.
        """
        found = self.read(stage)
        place = f"{self.store.uri}/{self.run_id}/{ARTIFACTS[stage]}"
        if found is None:
            raise StageError(
                f"stage {self.config.stage} of run {self.run_id} needs {ARTIFACTS[stage]} of stage {stage}, but "
                f"{place} does not exist",
                f"Run --stage {stage} first",
            )
        if found.get("go") is not True:
            raise StageError(
                f"stage {self.config.stage} of run {self.run_id} cannot start: {place} of stage {stage} has status "
                f"{found.get('status')}: {found.get('reason') or 'it has not finished'}",
                f"Correct the cause, then run --stage {stage} again",
            )
        return found

    def learning(self, stage: str) -> str:
        """Why a stage has nothing to do in a young project, and the day of its history; empty if it has."""
        if STAGES.index(stage) <= STAGES.index("reverify"):
            return ""
        found = self.read("reverify") or {}
        return str(found["reason"]) if found.get("status") == LEARNING else ""

    def content(self, stage: str, go: bool, status: str, content: Artifact, reason: str = "") -> bytes:
        """The artifact of a stage: the same bytes for the same content."""
        head = {"stage": stage, "run_id": self.run_id, "go": go, "status": status, "reason": reason}
        return json.dumps(head | {"request": self.request} | content, indent=1, allow_nan=False).encode()

    def write(self, stage: str, go: bool, status: str, content: Artifact, reason: str = "") -> None:
        """Writes the artifact of a stage, whole or not at all."""
        self.store.write(f"{self.run_id}/{ARTIFACTS[stage]}", self.content(stage, go, status, content, reason))

    def describe(self, **details: Any) -> None:
        """Notes details in the run report."""
        self.report.details |= details


def before(stage: str) -> str:
    """The stage that precedes."""
    return STAGES[STAGES.index(stage) - 1]


def open_run(config: TrainingConfig, engine: Engine) -> TrainingRun:
    """The run that the configuration names; a run without a name is named by what its model is made of.

    Raises:
        StorageError: the file of the owners of networks cannot be read.
        ParameterError: it is no such file.
    """
    spec = load_spec(config.feature_spec_version)
    project = config.lake_project.settings
    parameters = project.training.changed("options", {"min_rows": config.min_rows, "random_state": config.random_state})
    lake = Lake.opened(config.lake_uri, spec, identity=config.lake_project.identity)
    clear_up(lake)
    run = TrainingRun(
        config,
        parameters,
        spec,
        project,
        lake,
        model_store(lake.uri, config.project_name),
        new_report("ndr-if-training", config),
        config.run_id or "",
        read_owners(project.network_owners),
        engine,
    )
    return run if run.run_id else replace(run, run_id=_name(run))


def facts(run: TrainingRun) -> Artifact:
    """What determines the model, apart from its input: the request and the settings."""
    forest = {"n_estimators": run.config.n_estimators, "max_samples": run.config.max_samples}
    settings = run.parameters.of_model() | {"min_rows": run.parameters.min_rows}
    owners = run.owners and run.owners.to_dict()
    return run.request | {"settings": settings, "forest_given": forest, "owners": owners}


def _name(run: TrainingRun) -> str:
    from common.detection.input_matrix import input_digest
    from common.detection.registry.artifacts import run_id_of

    return run_id_of(facts(run) | {"input_digest": input_digest(run.lake, run.config.windows)})


def _text(request: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in request.items()) if isinstance(request, dict) else "nothing"
