"""The models of one project, with what is known of them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from common.config.project import ProjectParameters
from common.detection.inputs import model_features
from common.detection.registry.artifacts import REPORT, LoadedModel, load_model
from common.detection.registry.decisions import REFUSE, Decision, decisions
from common.detection.registry.formats import parsed
from common.detection.registry.pointer import MANIFEST, SUCCESS, ArtifactStore, model_store, read_pointer
from common.errors import ModelError
from common.features.spec import FeatureSpec, load_spec
from common.lake.lake import Lake
from common.lake.lake_format import known_record
from common.runtime.lake_project import lake_project

DEPLOYMENT = "deployment.json"
CURRENT, PREVIOUS = "current", "previous"
NAMED_MOST = 3
Document = dict[str, Any]


@dataclass(frozen=True)
class Project:
    """What the commands work with."""

    name: str
    lake: Lake
    spec: FeatureSpec
    parameters: ProjectParameters
    store: ArtifactStore

    @classmethod
    def opened(
        cls,
        lake_uri: str,
        project_name: str | None,
        feature_spec_version: str | None,
        parameters_path: str | None,
    ) -> Project:
        """The project of the lake.

        Raises:
            InputError: the lake does not exist.
            LakeFormatError: the lake must be migrated first.
        """
        found = lake_project(lake_uri, project_name, feature_spec_version, parameters_path)
        spec = load_spec(found.feature_spec_version)
        lake = Lake.opened(lake_uri, spec, identity=found.identity)
        known_record(lake)
        return cls(found.name, lake, spec, found.settings, model_store(lake.uri, found.name))

    @cached_property
    def made(self) -> dict[str, datetime]:
        """When the models were saved to their end, by run; the newest first."""
        entries = [(entry.name.split("/"), entry.modified) for entry in self.store.list()]
        found = {parts[0]: time for parts, time in entries if len(parts) == 2 and parts[1] == SUCCESS}
        return dict(sorted(found.items(), key=lambda item: (item[1], item[0]), reverse=True))

    @cached_property
    def pointer(self) -> Document:
        """The pointer to the current model; without entries before the first promotion."""
        return read_pointer(self.store) or {"run_id": None, "previous": [], "rolled_back": []}

    @cached_property
    def decisions(self) -> list[Decision]:
        """All decisions about the models, in order of time; that of the pointer is known before it is recorded."""
        found, last = decisions(self.lake, self.name), Decision.from_pointer(self.pointer.get("decision"))
        known = {entry.decision_id for entry in found}
        return [*found, last] if last and last.decision_id not in known else found

    @property
    def promoted(self) -> list[str]:
        """The current run and those that were current before it, the last one first."""
        entries = (self.pointer, *self.pointer["previous"])
        return [entry["run_id"] for entry in entries if entry.get("run_id")]

    def run(self, name: str) -> str:
        """The complete run of that name; `current` and `previous` stand for those of the pointer.

        Raises:
            ModelError: there is none.
        """
        if name in (CURRENT, PREVIOUS):
            place = (CURRENT, PREVIOUS).index(name)
            if len(self.promoted) <= place:
                raise ModelError(f"there is no {name} model in {self.store.uri}", "List them with ndr-models list")
            return self.promoted[place]
        if name not in self.made:
            near = difflib.get_close_matches(name, self.made, NAMED_MOST) or list(self.made)[:NAMED_MOST]
            raise ModelError(
                f"there is no model {name} in {self.store.uri}",
                f"Choose one of {', '.join(near)}, or see ndr-models list" if near else "Train one: ndr-if-training",
            )
        return name

    def status(self, run_id: str) -> str:
        """What was decided about a run last."""
        if run_id == self.pointer["run_id"]:
            return CURRENT
        if run_id in self.pointer["rolled_back"]:
            return "rolled back"
        if run_id in self.promoted:
            return PREVIOUS
        last = self.last_decision(run_id)
        refused = last is not None and last.action == REFUSE
        return "refused" if refused or self.document(run_id, DEPLOYMENT).get("go") is False else "candidate"

    def last_decision(self, run_id: str) -> Decision | None:
        """The last decision about a run."""
        return next(iter(self.decisions_about(run_id)[::-1]), None)

    def decisions_about(self, run_id: str) -> list[Decision]:
        """The decisions about a run, and those that made it current again, in order of time."""
        return [entry for entry in self.decisions if run_id in (entry.run_id, entry.made_current)]

    def manifest(self, run_id: str) -> Document:
        """The manifest of a run as it is written.

        Raises:
            ModelError: it is damaged.
        """
        return parsed(self.store.read(f"{run_id}/{MANIFEST}"), f"{self.store.uri}/{run_id}/{MANIFEST}")

    def report(self, run_id: str) -> Document:
        """The report of the training."""
        return self.document(run_id, REPORT)

    def gates(self, run_id: str) -> dict[str, Document]:
        """The gates that were applied to a run by name: value, bound, verdict; empty if none was."""
        found = self.document(run_id, DEPLOYMENT).get("gates") or []
        return {gate["name"]: {name: gate[name] for name in ("value", "bound", "verdict")} for gate in found}

    def document(self, run_id: str, name: str) -> Document:
        """A JSON file of a run; empty where it does not exist.

        Raises:
            ModelError: it is damaged.
        """
        path = f"{run_id}/{name}"
        return parsed(self.store.read(path), f"{self.store.uri}/{path}") if self.store.exists(path) else {}

    def load(self, run_id: str) -> LoadedModel:
        """The model of a run, complete, unaltered, and of this project's settings.

        Raises:
            ModelError: it is not.
        """
        expected = {
            "project_name": self.name,
            "feature_spec_version": self.spec.version,
            "baseline_horizon": self.parameters.model_horizon,
        }
        return load_model(self.store, run_id, model_features(self.spec).names, expected)
