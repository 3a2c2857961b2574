"""What the commands do with the models of a project."""

from __future__ import annotations

import json
from typing import Any

import click

from common.aws.caller import caller
from common.detection.registry.decisions import Note
from common.detection.registry.pointer import SUCCESS, ArtifactStore, model_store
from common.errors import ModelError
from common.runtime.lake_project import lake_identity
from common.runtime.output import activity
from common.runtime.rows import plain, print_rows
from common.windows import Windows
from tools.models import changes
from tools.models.listing import listed, shown
from tools.models.migration import migrate_models
from tools.models.project import Document, Project

Target = tuple[str, str]
"""The kind of a registry, `mlflow` or `sagemaker`, and its tracking URI or group."""


def list_models(form: str, **options: Any) -> None:
    """Prints the models of the project as rows, the newest first."""
    print_rows(listed(Project.opened(**options)), form)


def show(run_id: str, **options: Any) -> None:
    """Prints one model.

    Raises:
        ModelError: there is no such model, or its manifest is damaged.
    """
    project = Project.opened(**options)
    _print(shown(project, project.run(run_id)))


def compare(one: str, other: str, windows: Windows | None, top: int, form: str, **options: Any) -> None:
    """Prints the figures of two models side by side.

    Raises:
        ModelError: there is no such model, or its files are damaged.
    """
    from tools.models.comparison import compared  # takes long to import

    project = Project.opened(**options)
    print_rows(compared(project, project.run(one), project.run(other), windows, top), form)


def promote(run_id: str, reason: str, by: str | None, despite_gates: bool, dry_run: bool, **options: Any) -> None:
    """Makes a run the current one, and prints the decision.

    Raises:
        ModelError: it may not be.
    """
    project = Project.opened(**options)
    note = Note(by or caller(project.lake.is_remote), reason)
    _print(changes.promote(project, project.run(run_id), note, despite_gates, dry_run))


def roll_back(to: str | None, reason: str, by: str | None, dry_run: bool, **options: Any) -> None:
    """Makes an earlier run current again, and prints the decision.

    Raises:
        ModelError: there is none, or it does not load here.
    """
    project = Project.opened(**options)
    note = Note(by or caller(project.lake.is_remote), reason)
    _print(changes.roll_back(project, to and project.run(to), note, dry_run))


def export(run_id: str, target: Target, experiment: str | None, image: str | None, **options: Any) -> None:
    """Exports a model, and prints where it is.

    Raises:
        ModelError: it is damaged, or of other settings.
        NdrError: the registry refused it.
    """
    from tools.models import to_mlflow, to_sagemaker
    from tools.models.exported import Exported  # takes long to import

    project = Project.opened(**options)
    model = Exported.checked(project, project.run(run_id))
    kind, place = target
    _print(to_mlflow.export(model, place, experiment) if kind == "mlflow" else to_sagemaker.export(model, place, image))


def migrate(lake_uri: str, project_name: str | None) -> None:
    """Migrates the models of the project, and prints what was done as JSON.

    Raises:
        ModelError: models were refused; the others are migrated.
    """
    store = model_store(lake_uri, lake_identity(lake_uri, project_name).project_name)
    with activity("migrate"):
        found = migrate_models(store, complete_runs(store))
    click.echo(json.dumps(found.to_dict(), indent=1))
    if found.refused:
        raise ModelError(
            f"{len(found.refused)} of the models in {store.uri} were refused: {', '.join(sorted(found.refused))}",
            "See the reasons above; the current model is unchanged",
        )


def complete_runs(store: ArtifactStore) -> list[str]:
    """The runs that were saved to their end, sorted."""
    names = [entry.name.split("/") for entry in store.list()]
    return sorted(parts[0] for parts in names if len(parts) == 2 and parts[1] == SUCCESS)


def _print(document: Document) -> None:
    click.echo(json.dumps(plain(document), indent=1))
