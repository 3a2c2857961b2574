"""Loads the verified model, and serves it until the process is ended."""

from __future__ import annotations

from dataclasses import replace

from waitress import serve

from common.detection.checked import RETRAIN
from common.detection.inputs import model_features
from common.detection.registry.artifacts import LoadedModel, load_model
from common.detection.registry.pointer import ArtifactStore, manifest_sha256, read_manifest
from common.errors import ModelError
from common.features.spec import load_spec
from common.runtime.output import message
from jobs.serve.application import BODY_MOST, Application
from jobs.serve.config import ServeConfig


def run(config: ServeConfig) -> None:
    """Listens once the model is loaded; bodies are held in memory, as the container has no folder to write to."""
    model = load(config)
    message(f"model {model.run_id} is ready at port {config.port}")
    serve(
        Application(model, config.top_features),
        host=config.address,
        port=config.port,
        max_request_body_size=BODY_MOST,
        inbuf_overflow=BODY_MOST + 1,
        outbuf_overflow=2**30,
        ident=None,
    )


def load(config: ServeConfig) -> LoadedModel:
    """The model of the folder, which holds exactly what training saved.

    Raises:
        ModelError: it was altered, is another one than wanted, or does not match this release, with the reason.
        SpecError: its feature specification is unknown here.
    """
    folder = config.model_folder.absolute()
    store, name = ArtifactStore(str(folder.parent)), folder.name
    manifest = read_manifest(store, name)
    if config.manifest_sha256 and (found := manifest_sha256(store, name)) != config.manifest_sha256:
        raise ModelError(
            f"the manifest in {folder} has the SHA-256 {found}, not {config.manifest_sha256}, that of the deployed one",
            RETRAIN,
        )
    own = {key: str(manifest.get(key)) for key in ("run_id", "feature_spec_version")}
    features = model_features(load_spec(own["feature_spec_version"])).names
    return replace(load_model(store, name, features, own), run_id=own["run_id"])
