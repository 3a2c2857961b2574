"""Model artifacts: saved together with what they need, loaded only when everything matches."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import joblib
from sklearn.ensemble import IsolationForest

from common.errors import ModelError, ParameterError
from common.model.calibration import ScoreQuantiles
from common.model.ensemble import MEMBERS, Detector, settings
from common.model.evidence import EvidenceMember
from common.model.preprocessing import Preprocessor
from common.model.store import ArtifactStore

FORMAT_VERSION = 1
MODEL, EVIDENCE, MANIFEST, REPORT, SUCCESS, POINTER = (
    "model.joblib", "evidence.json", "manifest.json", "report.json", "SUCCESS", "current.json"
)  # fmt: skip
LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "pyarrow")
CHECKED_LIBRARIES = ("scikit-learn", "numpy")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A verified model: its run, the digest of its model file, its manifest and the detector."""

    run_id: str
    model_sha256: str
    manifest: dict[str, Any]
    detector: Detector


def model_store(lake_uri: str, project_name: str) -> ArtifactStore:
    """Where the models of a project lie: `<lake>/models/<project>`.

    Raises:
        ParameterError: the project's name cannot be part of a path.
    """
    if not _NAME.fullmatch(project_name):
        raise ParameterError(
            f"project name {project_name!r} cannot name a folder", "Use letters, digits, dots, dashes and underscores"
        )
    return ArtifactStore(f"{lake_uri}/models/{project_name}")


def library_versions() -> dict[str, str]:
    """The versions that the model was made with, Python included."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def run_id_of(facts: dict[str, Any]) -> str:
    """The run that those facts make here: the same facts, libraries and constants of the model give the same run."""
    made_with = {"format_version": FORMAT_VERSION, "ensemble": settings(), "libraries": library_versions()}
    return "if-" + _sha256(_json(made_with | facts))[:16]


def save_model(store: ArtifactStore, run_id: str, detector: Detector, facts: dict[str, Any], report: bytes) -> str:
    """Writes the files of a run, `SUCCESS` last, and returns the digest of the model file."""
    buffer = io.BytesIO()
    joblib.dump(detector.forest, buffer, compress=0)
    files = {MODEL: buffer.getvalue(), EVIDENCE: _json(detector.evidence.to_dict()), REPORT: report}
    manifest = {
        "format_version": FORMAT_VERSION,
        "run_id": run_id,
        "ensemble": settings(),
        **facts,
        "libraries": library_versions(),
        "preprocessing": detector.preprocessor.to_dict(),
        "score_quantiles": {name: entry.to_dict() for name, entry in detector.calibrations.items()},
        "files": {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in files.items()},
    }
    encoded = _json(manifest)
    for name, content in (*files.items(), (MANIFEST, encoded)):
        store.write(f"{run_id}/{name}", content)
    store.write(f"{run_id}/{SUCCESS}", f"{_sha256(encoded)}\n".encode())
    return _sha256(files[MODEL])


def is_complete(store: ArtifactStore, run_id: str) -> bool:
    """Whether the run was saved to its end."""
    return store.exists(f"{run_id}/{SUCCESS}")


def publish(store: ArtifactStore, run_id: str) -> None:
    """Makes a complete run the current model of the project."""
    store.write(POINTER, _json({"run_id": run_id, "manifest_sha256": _sha256(_manifest(store, run_id))}))


def current_run(store: ArtifactStore) -> str:
    """The run that the pointer names.

    Raises:
        ModelError: nothing was published, or the pointer is damaged or its run was altered.
    """
    if not store.exists(POINTER):
        raise ModelError(f"there is no current model in {store.uri}", "Train one with ndr-if-training")
    pointer = _parsed(store.read(POINTER), f"{store.uri}/{POINTER}")
    run_id = str(pointer.get("run_id", ""))
    if _sha256(_manifest(store, run_id)) != pointer.get("manifest_sha256"):
        raise ModelError(f"model {run_id} is not the one that was published in {store.uri}", "Train the model again")
    return run_id


def read_manifest(store: ArtifactStore, run_id: str) -> dict[str, Any]:
    """The manifest of a complete run, unaltered since it was saved.

    Raises:
        ModelError: the run is missing, incomplete or altered, or of another format.
    """
    manifest = _parsed(_manifest(store, run_id), f"{store.uri}/{run_id}/{MANIFEST}")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"model {run_id} has format {manifest.get('format_version')}, not {FORMAT_VERSION}", "Train the model again"
        )
    return manifest


def load_model(store: ArtifactStore, run_id: str, features: tuple[str, ...], expected: dict[str, str]) -> LoadedModel:
    """The model of a run, for those ordered input features; `expected` are manifest entries that must have that value.

    No file is unpickled before its digest, the library versions and the features match the manifest.

    Raises:
        ModelError: a file is missing, altered or does not match, with the reason.
    """
    manifest = read_manifest(store, run_id)
    _check_versions(manifest, run_id)
    for name, value in ({"run_id": run_id, "ensemble": settings()} | expected).items():
        if manifest.get(name) != value:
            raise ModelError(
                f"model {run_id} has {name} {manifest.get(name)!r}, not {value!r}",
                "Train a model with these settings, or run with those of the model",
            )
    _check_features(tuple(manifest["preprocessing"]["features"]), features, run_id)
    files = {name: _verified(store, run_id, name, entry["sha256"]) for name, entry in manifest["files"].items()}
    if missing := {MODEL, EVIDENCE} - set(files):
        raise ModelError(f"the manifest of model {run_id} lacks {', '.join(sorted(missing))}", "Train the model again")
    preprocessor = Preprocessor.from_dict(manifest["preprocessing"])
    forest = joblib.load(io.BytesIO(files[MODEL]))
    if not isinstance(forest, IsolationForest) or forest.n_features_in_ != len(preprocessor.mask):
        raise ModelError(f"{MODEL} of model {run_id} is no forest of its features", "Train the model again")
    calibrations = {
        name: ScoreQuantiles.from_dict(manifest["score_quantiles"][name]) for name in (*MEMBERS, "ensemble")
    }
    evidence = EvidenceMember.from_dict(json.loads(files[EVIDENCE]))
    detector = Detector(preprocessor, forest, evidence, calibrations)
    return LoadedModel(run_id, manifest["files"][MODEL]["sha256"], manifest, detector)


def _manifest(store: ArtifactStore, run_id: str) -> bytes:
    if not _NAME.fullmatch(run_id):
        raise ModelError(f"{run_id!r} is no model run", f"Name a folder of {store.uri}")
    if not is_complete(store, run_id):
        raise ModelError(
            f"model {run_id} in {store.uri} does not exist or was not saved to its end: it has no {SUCCESS}",
            "Run ndr-if-training again",
        )
    content = store.read(f"{run_id}/{MANIFEST}")
    if _sha256(content) != store.read(f"{run_id}/{SUCCESS}").decode(errors="replace").strip():
        raise _altered(store, run_id, MANIFEST)
    return content


def _verified(store: ArtifactStore, run_id: str, name: str, sha256: str) -> bytes:
    content = store.read(f"{run_id}/{name}")
    if _sha256(content) != sha256:
        raise _altered(store, run_id, name)
    return content


def _altered(store: ArtifactStore, run_id: str, name: str) -> ModelError:
    return ModelError(
        f"{name} of model {run_id} in {store.uri} was altered: its SHA-256 is not the one that was saved",
        "Do not use it; find out who changed it, then train the model again",
    )


def _check_versions(manifest: dict[str, Any], run_id: str) -> None:
    for name in CHECKED_LIBRARIES:
        made, here = str(manifest["libraries"].get(name)), version(name)
        if made.split(".")[:2] != here.split(".")[:2]:
            raise ModelError(
                f"model {run_id} was made with {name} {made}, here is {here}",
                "Train the model again, or install that version",
            )


def _check_features(saved: tuple[str, ...], features: tuple[str, ...], run_id: str) -> None:
    if saved == features:
        return
    place = next((n for n, pair in enumerate(zip(saved, features, strict=False)) if pair[0] != pair[1]), None)
    what = (
        f"feature {place} is {saved[place]!r}, not {features[place]!r}"
        if place is not None
        else f"it has {len(saved)} features, not {len(features)}"
    )
    raise ModelError(f"the features of model {run_id} do not match: {what}", "Train the model again")


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ModelError(f"{where} is damaged", "Train the model again")
    return parsed


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
