"""Export to MLflow: a run with parameters, metrics and files, and a version of a registered model with aliases."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.errors import NdrError, ParameterError, one_line
from tools.models.exported import Exported
from tools.models.project import CURRENT, PREVIOUS, Document

FOLDER = "model"
FINISHED = "FINISHED"
PREFIX = "ndr."
LONGEST = 500
"""Characters of a parameter's value: older servers take no more."""


class ExportError(NdrError):
    """A registry of models refused an export."""


def export(model: Exported, uri: str, experiment: str | None) -> Document:
    """The run and the version that hold the model now; those of an earlier export are brought up to date.

    Raises:
        ParameterError: mlflow is not installed.
        ExportError: the tracking server refused.
    """
    with _reported(uri), _settings(uri):
        client = _client(uri)
        name = f"ndr-{model.project.name}"
        run = _run(client, model, experiment or name)
        version = _version(client, model, name, run)
        return {
            "run_id": model.run_id,
            "mlflow_run_id": run.info.run_id,
            "registered_model": name,
            "version": int(version.version),
            "status": model.status,
        }


def _client(uri: str) -> Any:
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise ParameterError("mlflow is not installed", "Install it: pip install 'ndr-paloalto[mlflow]'") from None
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def _settings(uri: str) -> Iterator[None]:
    """MLflow's variables during an export: no telemetry, and a folder if one was named; those that are set stay.

    Afterwards those that it and what it imports have added are gone, too.
    """
    before = set(os.environ)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_TRACKING_URI", uri)  # else it makes ./mlflow.db for what it looks up on its own
    if uri.startswith("file:") or ":" not in uri:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    try:
        yield
    finally:
        for name in set(os.environ) - before:
            del os.environ[name]


def _run(client: Any, model: Exported, experiment: str) -> Any:
    """The finished run with the model."""
    found = client.get_experiment_by_name(experiment)
    place = found.experiment_id if found else client.create_experiment(experiment)
    tags = {f"{PREFIX}{name}": value for name, value in model.tags().items()}
    same = " and ".join(f"tags.`{PREFIX}{name}` = '{model.tags()[name]}'" for name in ("run_id", "manifest_sha256"))
    runs = client.search_runs([place], same, max_results=1)
    run = runs[0] if runs else client.create_run(place, run_name=model.run_id, tags=tags)
    if run.info.status != FINISHED:
        for name, value in model.parameters().items():
            client.log_param(run.info.run_id, name, value[:LONGEST])
        _log_files(client, run.info.run_id, model.files)
        for name, number in model.metrics().items():
            client.log_metric(run.info.run_id, name, number)
        client.set_terminated(run.info.run_id, FINISHED)
    for name, value in tags.items():
        client.set_tag(run.info.run_id, name, value)
    return run


def _log_files(client: Any, run_id: str, files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        client.log_artifacts(run_id, folder, FOLDER)


def _version(client: Any, model: Exported, name: str, run: Any) -> Any:
    """The version of the registered model that the run made, with the aliases that the pointer gives it."""
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    found = [entry for entry in client.search_model_versions(f"name = '{name}'") if entry.run_id == run.info.run_id]
    version = found[0] if found else client.create_model_version(
        name, f"{run.info.artifact_uri}/{FOLDER}", run.info.run_id
    )  # fmt: skip
    for key, value in model.tags().items():
        client.set_model_version_tag(name, version.version, f"{PREFIX}{key}", value)
    aliases = client.get_registered_model(name).aliases
    for alias in (CURRENT, PREVIOUS):
        named = model.run_id in (model.project.promoted[:1] if alias == CURRENT else model.project.promoted[1:2])
        if named:
            client.set_registered_model_alias(name, alias, version.version)
        elif str(aliases.get(alias)) == str(version.version):
            client.delete_registered_model_alias(name, alias)
    return version


@contextmanager
def _reported(uri: str) -> Iterator[None]:
    """Turns what MLflow raises into an error with a remedy."""
    try:
        yield
    except NdrError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith(("mlflow", "requests", "urllib3")):
            raise
        raise ExportError(
            f"MLflow at {uri} refused the export: {one_line(error, 300)}", "Check the tracking URI and its credentials"
        ) from error
