"""What an export says of a model, whatever it is exported to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from common.detection.registry.pointer import MANIFEST, SUCCESS, manifest_sha256
from tools.models.comparison import flat
from tools.models.project import DEPLOYMENT, Project

CARD = "publication.json"


@dataclass(frozen=True)
class Exported:
    """A model that is complete, unaltered, and of this project's settings."""

    project: Project
    run_id: str

    @classmethod
    def checked(cls, project: Project, run_id: str) -> Exported:
        """The model, after the checks of deployment.

        Raises:
            ModelError: it may not be used.
        """
        project.load(run_id)
        return cls(project, run_id)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The files that make the model, then its card and the results of its gates, by name."""
        listed = self.project.manifest(self.run_id)["files"]
        extras = [name for name in (CARD, DEPLOYMENT) if self.project.store.exists(f"{self.run_id}/{name}")]
        names = (*sorted(listed), MANIFEST, SUCCESS, *extras)
        return {name: self.project.store.read(f"{self.run_id}/{name}", 2**30) for name in names}

    @cached_property
    def manifest_sha256(self) -> str:
        """The digest of the manifest, which holds those of all files."""
        return manifest_sha256(self.project.store, self.run_id)

    @property
    def status(self) -> str:
        """What was decided about it last."""
        return self.project.status(self.run_id)

    def parameters(self) -> dict[str, str]:
        """How it was trained, as texts."""
        manifest, report = self.project.manifest(self.run_id), self.project.report(self.run_id)
        named = {name: manifest.get(name) for name in ("training_window", "settings", "libraries")}
        forest = report.get("parameters", {}).get("forest")
        return {name: str(value) for name, value in flat(named | {"forest": forest})}

    def metrics(self) -> dict[str, float]:
        """Its sizes, figures of validation, and values of gates."""
        report = self.project.report(self.run_id)
        sizes = {name: report.get(name) for name in ("rows", "windows", "coverage", "features_used")}
        gates = {name: gate["value"] for name, gate in self.project.gates(self.run_id).items()}
        return dict(_numbers(sizes | {"validation": report.get("validation"), "gates": gates}))

    def tags(self) -> dict[str, str]:
        """Which model it is, what became of it, and who decided that, when and why."""
        manifest, last = self.project.manifest(self.run_id), self.project.last_decision(self.run_id)
        decided = {
            "decided_ts": last.decided_ts.isoformat(),
            "decided_by": last.decided_by,
            "reason": last.reason,
        } if last else {}  # fmt: skip
        return {
            "run_id": self.run_id,
            "manifest_sha256": self.manifest_sha256,
            "project_name": self.project.name,
            "feature_spec_version": str(manifest.get("feature_spec_version")),
            "baseline_horizon": str(manifest.get("baseline_horizon")),
            "status": self.status,
        } | decided


def _numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in flat(values):
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)
