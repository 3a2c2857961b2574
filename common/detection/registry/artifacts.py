"""Model artifacts: saved together with what they need, loaded only when everything matches."""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import joblib
from sklearn.ensemble import IsolationForest

from common.detection.calibration import ScoreQuantiles
from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.members.feature_rarity import FeatureRarity, RarityMember
from common.detection.members.forest import ForestMember
from common.detection.members.pairs import PairsMember
from common.detection.members.spread import SpreadMember
from common.detection.pairs.scoring import EvidenceModel
from common.detection.parameters import DetectorParameters, current_parameters, differences
from common.detection.preprocessing import Preprocessor
from common.detection.registry.formats import FORMAT_VERSION, RETRAIN, encoded, sha256
from common.detection.registry.pointer import MANIFEST, SUCCESS, ArtifactStore, altered, read_manifest
from common.errors import ModelError

MODEL, EVIDENCE, DRIFT, REPORT = "model.joblib", "evidence.json", "drift.json", "report.json"
LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "pyarrow")
CHECKED_LIBRARIES = ("scikit-learn", "numpy")


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A verified model: its run, the digest of its model file, its manifest, the detector, and the drift reference."""

    run_id: str
    model_sha256: str
    manifest: dict[str, Any]
    detector: Detector
    drift: DriftReference


def library_versions() -> dict[str, str]:
    """The versions that the model was made with, Python included."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def run_id_of(facts: dict[str, Any]) -> str:
    """The run that those facts make here: named by them, the library versions and the detector's parameters."""
    parameters = current_parameters().to_dict()
    made_with = {"format_version": FORMAT_VERSION, "parameters": parameters, "libraries": library_versions()}
    return "if-" + sha256(encoded(made_with | facts))[:16]


def save_model(
    store: ArtifactStore,
    run_id: str,
    detector: Detector,
    drift: DriftReference,
    facts: dict[str, Any],
    report: bytes,
    extras: Mapping[str, bytes] | None = None,
) -> str:
    """Writes the files of a run, `SUCCESS` last, and returns the digest of the model file.

    `extras` are files of the folder that no model needs to load.
    """
    buffer = io.BytesIO()
    joblib.dump(detector.forest.forest, buffer, compress=0)
    files = {
        MODEL: buffer.getvalue(),
        EVIDENCE: encoded(_evidence(detector)),
        DRIFT: encoded(drift.to_dict()),
        REPORT: report,
    }
    manifest = encoded(
        {
            "format_version": FORMAT_VERSION,
            "run_id": run_id,
            "parameters": detector.parameters.to_dict(),
            **facts,
            "libraries": library_versions(),
            "preprocessing": detector.forest.preprocessor.to_dict(),
            "score_quantiles": {
                "forest": detector.forest.calibration.to_dict(),
                "evidence": detector.rarity.calibration.to_dict(),
                "ensemble": detector.feature_calibration.to_dict(),
            },
            "files": {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in files.items()},
        }
    )
    for name, content in (*files.items(), *(extras or {}).items(), (MANIFEST, manifest)):
        store.write(f"{run_id}/{name}", content)
    store.write(f"{run_id}/{SUCCESS}", f"{sha256(manifest)}\n".encode())
    return sha256(files[MODEL])


def load_model(store: ArtifactStore, run_id: str, features: tuple[str, ...], expected: dict[str, str]) -> LoadedModel:
    """The model of a run, for those ordered input features; `expected` are manifest entries that must have that value.

    No file is unpickled before its digest, the library versions and the features match the manifest.

    Raises:
        ModelError: a file is missing, altered or does not match, with the reason.
    """
    manifest = read_manifest(store, run_id)
    _check_versions(manifest, run_id)
    _check_parameters(manifest, run_id)
    for name, value in ({"run_id": run_id} | expected).items():
        if manifest.get(name) != value:
            raise ModelError(
                f"model {run_id} has {name} {manifest.get(name)!r}, not {value!r}",
                "Train a model with these settings, or run with those of the model",
            )
    _check_features(tuple(manifest["preprocessing"]["features"]), features, run_id)
    files = {name: _verified(store, run_id, name, entry["sha256"]) for name, entry in manifest["files"].items()}
    if missing := {MODEL, EVIDENCE, DRIFT} - set(files):
        raise ModelError(f"the manifest of model {run_id} lacks {', '.join(sorted(missing))}", RETRAIN)
    detector = _detector(manifest, run_id, files[MODEL], json.loads(files[EVIDENCE]))
    drift = DriftReference.from_dict(json.loads(files[DRIFT]))
    return LoadedModel(run_id, manifest["files"][MODEL]["sha256"], manifest, detector, drift)


def _evidence(detector: Detector) -> dict[str, Any]:
    """The content of `evidence.json`: all members but the forest, and the calibration of the raw score."""
    pairs, spread = detector.pairs, detector.spread
    of_pairs = pairs and spread and {
        "pairs": pairs.model.to_dict(),
        "spread": spread.model.to_dict(),
        "calibration": detector.calibration.to_dict(),
    }  # fmt: skip
    return detector.rarity.rarity.to_dict() | {"pairs": of_pairs}


def _detector(manifest: dict[str, Any], run_id: str, model: bytes, evidence: dict[str, Any]) -> Detector:
    """The detector of verified files, with the parameters that it was trained with."""
    parameters = DetectorParameters.from_dict(manifest["parameters"])
    preprocessor = Preprocessor.from_dict(manifest["preprocessing"])
    forest = joblib.load(io.BytesIO(model))
    if not isinstance(forest, IsolationForest) or forest.n_features_in_ != len(preprocessor.mask):
        raise ModelError(f"{MODEL} of model {run_id} is not a forest over its features", RETRAIN)
    quantiles = {name: ScoreQuantiles.from_dict(raw) for name, raw in manifest["score_quantiles"].items()}
    rarity = FeatureRarity.from_dict(evidence, preprocessor.features, parameters.rarity)
    detector = Detector(
        parameters,
        ForestMember(preprocessor, forest, quantiles["forest"]),
        RarityMember(rarity, quantiles["evidence"]),
        quantiles["ensemble"],
        quantiles["ensemble"],
    )
    if not (raw := evidence["pairs"]):
        return detector
    pairs, spread = (EvidenceModel.from_dict(raw[name], parameters) for name in ("pairs", "spread"))
    return detector.with_pairs(PairsMember(pairs), SpreadMember(spread), ScoreQuantiles.from_dict(raw["calibration"]))


def _verified(store: ArtifactStore, run_id: str, name: str, digest: str) -> bytes:
    content = store.read(f"{run_id}/{name}")
    if sha256(content) != digest:
        raise altered(store, run_id, name)
    return content


def _check_versions(manifest: dict[str, Any], run_id: str) -> None:
    for name in CHECKED_LIBRARIES:
        made, here = str(manifest["libraries"].get(name)), version(name)
        if made.split(".")[:2] != here.split(".")[:2]:
            raise ModelError(
                f"model {run_id} was made with {name} {made}, but {here} is installed",
                "Train the model again, or install that version",
            )


def _check_parameters(manifest: dict[str, Any], run_id: str) -> None:
    """Refuses a model whose constants differ from this release's: its scores would change."""
    for name, stored, current in differences(manifest.get("parameters", {}), current_parameters().to_dict()):
        raise ModelError(
            f"model {run_id} was trained with the detector parameter {name} = {stored!r}, "
            f"but this release has {current!r}",
            "Train the model again, or run the release that it was trained with",
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
    raise ModelError(f"the features of model {run_id} do not match: {what}", RETRAIN)
