"""Lists, shows and migrates the models of a project."""

from __future__ import annotations

import json
from typing import Any

import click

from common.detection.registry.formats import FORMAT_VERSION, parsed
from common.detection.registry.pointer import MANIFEST, SUCCESS, ArtifactStore, model_store, read_pointer
from common.errors import ModelError
from common.runtime.lake_project import lake_project
from common.runtime.output import activity
from tools.models.migration import migrate_models

SHOWN = ("format_version", "training_window", "rows", "feature_spec_version", "baseline_horizon")
LONG = ("preprocessing", "score_quantiles")


def list_models(lake_uri: str, project_name: str | None) -> None:
    """Prints the models of the project, in the order of their names."""
    store = _store(lake_uri, project_name)
    pointer = read_pointer(store) or {"previous": [], "rolled_back": []}
    for run_id in complete_runs(store):
        manifest = _manifest(store, run_id)
        line = {"run_id": run_id, "status": _status(pointer, run_id), "loads": _loads(manifest)}
        click.echo(json.dumps(line | {name: manifest.get(name) for name in SHOWN}))


def show(lake_uri: str, project_name: str | None, run_id: str) -> None:
    """Prints the manifest of a run.

    Raises:
        ModelError: there is no such model, or its manifest is damaged.
    """
    store = _store(lake_uri, project_name)
    if run_id not in complete_runs(store):
        raise ModelError(f"there is no model {run_id} in {store.uri}", "List the models with ndr-models list")
    manifest = _manifest(store, run_id)
    click.echo(json.dumps({name: value for name, value in manifest.items() if name not in LONG}, indent=1))


def migrate(lake_uri: str, project_name: str | None) -> None:
    """Migrates the models of the project, and prints what was done as JSON.

    Raises:
        ModelError: models were refused; the others are migrated.
    """
    store = _store(lake_uri, project_name)
    with activity("migrate"):
        found = migrate_models(store, complete_runs(store))
    click.echo(json.dumps(found.to_dict(), indent=1))
    if found.refused:
        raise ModelError(
            f"{len(found.refused)} of the models in {store.uri} were refused: {', '.join(sorted(found.refused))}",
            "See the reasons above; the current model is unchanged",
        )


def _store(lake_uri: str, project_name: str | None) -> ArtifactStore:
    return model_store(lake_uri, lake_project(lake_uri, project_name).name)


def complete_runs(store: ArtifactStore) -> list[str]:
    """The runs that were saved to their end, sorted."""
    names = [entry.name.split("/") for entry in store.list()]
    return sorted(parts[0] for parts in names if len(parts) == 2 and parts[1] == SUCCESS)


def _manifest(store: ArtifactStore, run_id: str) -> dict[str, Any]:
    return parsed(store.read(f"{run_id}/{MANIFEST}"), f"{store.uri}/{run_id}/{MANIFEST}")


def _status(pointer: dict[str, Any], run_id: str) -> str:
    """What the pointer says of the run."""
    if pointer.get("run_id") == run_id:
        return "current"
    if run_id in pointer["rolled_back"]:
        return "rolled back"
    return "previous" if run_id in [entry["run_id"] for entry in pointer["previous"]] else "not promoted"


def _loads(manifest: dict[str, Any]) -> bool:
    """Whether the model is of the format that this release loads."""
    return bool(manifest.get("format_version") == FORMAT_VERSION)
