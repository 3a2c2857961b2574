"""Model artifacts: saved together with what they need, loaded only when everything matches."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from numpy.typing import NDArray

from common.detection.calibration import ScoreQuantiles
from common.detection.checked import RETRAIN, section, texts
from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.members.feature_rarity import FeatureRarity, RarityMember
from common.detection.members.forest import ForestMember
from common.detection.members.pairs import PairsMember
from common.detection.members.spread import SpreadMember
from common.detection.members.trees import Forest
from common.detection.pairs.evidence import EXCESSES, SPREADS
from common.detection.pairs.scoring import EvidenceModel
from common.detection.parameters import current_parameters, differences
from common.detection.preprocessing import Preprocessor
from common.detection.registry.formats import FORMAT_VERSION, encoded, parsed, sha256
from common.detection.registry.pointer import JSON_MOST, MANIFEST, SUCCESS, ArtifactStore, altered, read_manifest
from common.detection.registry.tensors import Arrays, packed, unpacked
from common.errors import ModelError

MODEL, MEMBERS, DRIFT, REPORT = "arrays.safetensors", "values.json", "drift.json", "report.json"
FILES_MOST = {MODEL: 2**30, MEMBERS: JSON_MOST, DRIFT: JSON_MOST, REPORT: JSON_MOST}
"""The files that a manifest lists, and the most bytes that are read of each."""
LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "pyarrow")
FOREST = "forest."


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
    files = model_files(detector) | {DRIFT: encoded(drift.to_dict()), REPORT: report}
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
            "files": described(files),
        }
    )
    for name, content in (*files.items(), *(extras or {}).items(), (MANIFEST, manifest)):
        store.write(f"{run_id}/{name}", content)
    store.write(f"{run_id}/{SUCCESS}", f"{sha256(manifest)}\n".encode())
    return sha256(files[MODEL])


def model_files(detector: Detector) -> dict[str, bytes]:
    """The files that hold the detector beside the manifest: the arrays, and the rest of its members."""
    arrays: dict[str, NDArray[Any]] = {FOREST + name: array for name, array in detector.forest.forest.arrays().items()}
    members: dict[str, Any] = {"rarity": detector.rarity.rarity.to_dict()}
    if detector.pairs and detector.spread:
        arrays |= detector.pairs.model.arrays("pairs") | detector.spread.model.arrays("spread")
        members |= {"pairs": detector.pairs.model.to_dict(), "spread": detector.spread.model.to_dict()}
        members["calibration"] = detector.calibration.to_dict()
    return {MODEL: packed(arrays), MEMBERS: encoded(members)}


def described(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """What a manifest says of files."""
    return {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in files.items()}


def load_model(store: ArtifactStore, run_id: str, features: tuple[str, ...], expected: dict[str, str]) -> LoadedModel:
    """The model of a run, for those ordered input features; `expected` are manifest entries that must have that value.

    Files are numbers and texts, and nothing in them is executed. They are read only as far as the manifest says, and
    checked, whoever wrote them: what is returned can be used without further checks.

    Raises:
        ModelError: a file is missing, altered, damaged or does not match, with the reason.
    """
    manifest = read_manifest(store, run_id)
    check_parameters(manifest, run_id)
    for name, value in ({"run_id": run_id} | expected).items():
        if manifest.get(name) != value:
            raise ModelError(
                f"model {run_id} has {name} {manifest.get(name)!r}, not {value!r}",
                "Train a model with these settings, or run with those of the model",
            )
    section(manifest, MANIFEST, "preprocessing", "score_quantiles", "files")
    preprocessing = section(manifest["preprocessing"], "the preprocessing", "features")
    _check_features(texts(preprocessing["features"], "the features"), features, run_id)
    files = _verified(store, run_id, section(manifest["files"], "the list of files"))
    detector = detector_of(manifest, unpacked(files[MODEL], MODEL), parsed(files[MEMBERS], MEMBERS))
    drift = DriftReference.from_dict(parsed(files[DRIFT], DRIFT), features, detector.parameters.drift)
    return LoadedModel(run_id, sha256(files[MODEL]), manifest, detector, drift)


def detector_of(manifest: dict[str, Any], arrays: Arrays, members: dict[str, Any]) -> Detector:
    """The detector of a manifest and the content of its files, with the parameters that it was trained with.

    Raises:
        ModelError: a part is damaged.
    """
    parameters = current_parameters()
    preprocessor = Preprocessor.from_dict(manifest["preprocessing"])
    of_forest = {name.removeprefix(FOREST): array for name, array in arrays.items() if name.startswith(FOREST)}
    forest = Forest.from_arrays(of_forest, len(preprocessor.mask))
    raw = section(manifest["score_quantiles"], "the score quantiles", "forest", "evidence", "ensemble")
    quantiles = {name: ScoreQuantiles.from_dict(entry) for name, entry in raw.items()}
    section(members, MEMBERS, "rarity")
    rarity = FeatureRarity.from_dict(members["rarity"], preprocessor.features, parameters.rarity)
    detector = Detector(
        parameters,
        ForestMember(preprocessor, forest, quantiles["forest"]),
        RarityMember(rarity, quantiles["evidence"]),
        quantiles["ensemble"],
        quantiles["ensemble"],
    )
    if "pairs" not in members:
        return detector
    section(members, MEMBERS, "pairs", "spread", "calibration")
    pairs = EvidenceModel.from_parts(members["pairs"], arrays, "pairs", EXCESSES, parameters)
    spread = EvidenceModel.from_parts(members["spread"], arrays, "spread", SPREADS, parameters)
    calibration = ScoreQuantiles.from_dict(members["calibration"])
    return detector.with_pairs(PairsMember(pairs), SpreadMember(spread), calibration)


def _verified(store: ArtifactStore, run_id: str, listed: dict[str, Any]) -> dict[str, bytes]:
    """The files of the list, as they were saved."""
    if set(listed) != set(FILES_MOST):
        raise ModelError(f"the manifest of model {run_id} lists {', '.join(sorted(listed))}", RETRAIN)
    files = {}
    for name, most in FILES_MOST.items():
        entry = section(listed[name], f"the entry of {name}", "sha256", "bytes")
        files[name] = content = store.read(f"{run_id}/{name}", most)
        if {"sha256": sha256(content), "bytes": len(content)} != {key: entry[key] for key in ("sha256", "bytes")}:
            raise altered(store, run_id, name)
    return files


def check_parameters(manifest: dict[str, Any], run_id: str) -> None:
    """Refuses a model whose constants differ from this release's: its scores would change.

    Raises:
        ModelError: they differ, or are missing.
    """
    stored_parameters = section(manifest.get("parameters"), "the parameters of the detector")
    for name, stored, current in differences(stored_parameters, current_parameters().to_dict()):
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
