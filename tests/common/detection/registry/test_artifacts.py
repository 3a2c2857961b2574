import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.parameters import DetectorParameters, current_parameters
from common.detection.registry.artifacts import LoadedModel, load_model, run_id_of, save_model
from common.detection.registry.decisions import Note
from common.detection.registry.formats import sha256
from common.detection.registry.pointer import ArtifactStore, current_run, model_store
from common.detection.registry.promotion import promote
from common.errors import ModelError, ParameterError
from tests.common.detection.synthetic import SETTINGS
from tests.factories import SPEC

pytestmark = pytest.mark.slow

NAMES = model_features(SPEC).names
FACTS: dict[str, Any] = {"project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d", "rows": 60}
EXPECTED = {name: FACTS[name] for name in ("project_name", "feature_spec_version", "baseline_horizon")}
RUN = "if-0123456789abcdef"


@pytest.fixture(scope="module")
def detector() -> Detector:
    values = np.random.default_rng(0).gamma(1, 1, (60, len(NAMES))).astype(np.float32)
    return Detector.fit(Samples(features=values), SETTINGS)[0]


@pytest.fixture(scope="module")
def drift(detector: Detector) -> DriftReference:
    values = np.random.default_rng(0).integers(0, 2, (60, len(NAMES))).astype(np.float32)
    return DriftReference.fit(values, detector.feature_scores(values), NAMES, SPEC, SETTINGS.parameters.drift)


@pytest.fixture
def store(tmp_path: Path, detector: Detector, drift: DriftReference) -> ArtifactStore:
    """A project with one promoted model."""
    store = model_store(str(tmp_path), "local")
    save_model(store, RUN, detector, drift, FACTS, b"{}")
    promote(store, "local", RUN, Note("jane", "it is the first one"))
    return store


def path(store: ArtifactStore, name: str) -> Path:
    return Path(store.uri) / RUN / name


def dumped(write: Callable[[io.BytesIO], Any]) -> bytes:
    """What the function writes to a file."""
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def seal(store: ArtifactStore) -> None:
    """Makes all digests again, as one who may write the whole folder."""
    manifest = json.loads(path(store, "manifest.json").read_bytes())
    for name in manifest["files"]:
        content = path(store, name).read_bytes()
        manifest["files"][name] = {"sha256": sha256(content), "bytes": len(content)}
    rewrite_manifest(store, files=manifest["files"])


def rewrite_manifest(store: ArtifactStore, **changes: Any) -> None:
    """Changes the manifest as one who can also write the digest beside it."""
    manifest = json.loads(path(store, "manifest.json").read_bytes()) | changes
    encoded = json.dumps(manifest).encode()
    path(store, "manifest.json").write_bytes(encoded)
    path(store, "SUCCESS").write_text(sha256(encoded))


def load(store: ArtifactStore, features: tuple[str, ...] = NAMES, **expected: str) -> LoadedModel:
    return load_model(store, RUN, features, EXPECTED | expected)


def test_loaded_model_scores_as_the_saved_one(store: ArtifactStore, detector: Detector) -> None:
    values = np.random.default_rng(1).gamma(1, 2, (20, len(NAMES))).astype(np.float32)
    loaded = load(store)
    samples = Samples(features=values)
    assert set(loaded.detector.members) == {"forest", "rarity"}
    for name, member in loaded.detector.members.items():
        np.testing.assert_array_equal(member.score_samples(samples), detector.members[name].score_samples(samples))
    assert loaded.model_sha256 == sha256(path(store, "arrays.safetensors").read_bytes())
    assert current_run(store) == RUN


def test_manifest_holds_what_made_the_model(store: ArtifactStore) -> None:
    manifest = json.loads(path(store, "manifest.json").read_bytes())
    assert manifest["format_version"] == 7
    assert DetectorParameters.from_dict(manifest["parameters"]) == current_parameters()
    assert manifest["preprocessing"]["features"] == list(NAMES)
    assert manifest["preprocessing"]["imputation"] == "median" and manifest["preprocessing"]["clip"] == 6
    assert set(manifest["libraries"]) == {"python", "scikit-learn", "numpy", "scipy", "joblib", "pyarrow"}
    assert set(manifest["files"]) == {"arrays.safetensors", "values.json", "drift.json", "report.json"}
    assert set(manifest["score_quantiles"]) == {"forest", "evidence", "ensemble"}


class Exploit:
    """What an attacker would put into a pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch exploited",)


EXPLOITS = {
    "a pickle": pickle.dumps(Exploit()),
    "a pickle by joblib": dumped(lambda buffer: joblib.dump(Exploit(), buffer)),
    "NumPy arrays of objects": dumped(lambda buffer: np.savez(buffer, left=np.array([Exploit()], dtype=object))),
}


@pytest.mark.parametrize("name", ["arrays.safetensors", "values.json", "drift.json"])
@pytest.mark.parametrize("exploit", EXPLOITS.values(), ids=EXPLOITS)
@pytest.mark.parametrize("promoted", [True, False], ids=["with the pointer", "by its name"])
def test_whoever_can_write_the_whole_folder_runs_no_code(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, exploit: bytes, promoted: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path(store, name).write_bytes(exploit)
    seal(store)
    if promoted:
        promote(store, "local", RUN, Note("jane", "it is the first one"))
        assert current_run(store) == RUN
    with pytest.raises(ModelError):
        load(store)
    assert not Path("exploited").exists()


def test_a_pickle_in_place_of_the_files_of_older_formats_is_not_read(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path(store, "model.joblib").write_bytes(EXPLOITS["a pickle"])
    rewrite_manifest(store, format_version=4)
    seal(store)
    with pytest.raises(ModelError, match=r"has format 4, not 7\. Run ndr-models migrate"):
        load(store)
    assert not Path("exploited").exists()


@pytest.mark.parametrize("files", [{}, {"arrays.safetensors": {}}, {"../../secret": {"sha256": "", "bytes": 1}}, []])
def test_a_manifest_that_lists_other_files_is_refused(store: ArtifactStore, files: Any) -> None:
    rewrite_manifest(store, files=files)
    with pytest.raises(ModelError, match=r"lists|the list of files"):
        load(store)


def test_a_file_that_is_larger_than_what_is_read_is_refused(store: ArtifactStore) -> None:
    for name, most in (("SUCCESS", 2**10), ("manifest.json", 2**28), ("arrays.safetensors", 2**30)):
        kept = path(store, name).read_bytes()
        with path(store, name).open("wb") as file:
            file.truncate(2**40)  # a hole: takes no room on the disk
        with pytest.raises(ModelError, match=f"{name} has 1,099,511,627,776 bytes, more than the {most:,}"):
            load(store)
        path(store, name).write_bytes(kept)
    load(store)


@pytest.mark.parametrize("name", ["arrays.safetensors", "values.json", "drift.json", "report.json", "manifest.json"])
def test_one_changed_byte_is_refused(store: ArtifactStore, name: str) -> None:
    content = bytearray(path(store, name).read_bytes())
    content[len(content) // 2] ^= 1
    path(store, name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} of model .* was altered"):
        load(store)


@pytest.mark.parametrize("name", ["SUCCESS", "manifest.json", "arrays.safetensors", "values.json", "drift.json"])
def test_missing_file_is_refused(store: ArtifactStore, name: str) -> None:
    path(store, name).unlink()
    with pytest.raises(ModelError, match=name):
        load(store)


def test_unfinished_run_is_refused_as_such(store: ArtifactStore) -> None:
    path(store, "SUCCESS").unlink()
    with pytest.raises(ModelError, match="was not saved completely"):
        load(store)
    with pytest.raises(ModelError, match="was not saved completely"):
        current_run(store)


def test_changed_feature_order_is_refused(store: ArtifactStore) -> None:
    swapped = (NAMES[1], NAMES[0], *NAMES[2:])
    with pytest.raises(ModelError, match=f"feature 0 is '{NAMES[0]}', not '{NAMES[1]}'"):
        load(store, swapped)


def test_another_number_of_features_is_refused(store: ArtifactStore) -> None:
    with pytest.raises(ModelError, match=f"it has {len(NAMES)} features, not {len(NAMES) - 1}"):
        load(store, NAMES[:-1])


def test_a_model_does_not_depend_on_the_versions_of_libraries(store: ArtifactStore) -> None:
    rewrite_manifest(store, libraries={"scikit-learn": "0.24.2", "numpy": "1.26.4"})
    assert load(store).run_id == RUN


def test_another_setting_is_refused(store: ArtifactStore) -> None:
    with pytest.raises(ModelError, match="baseline_horizon '7d', not '30d'"):
        load(store, baseline_horizon="30d")


def parameter_names() -> list[tuple[str, ...]]:
    """Every parameter of the detector, as the keys that lead to it."""
    raw = current_parameters().to_dict()
    inner: list[tuple[str, ...]] = [
        (section, name) for section, entry in raw.items() if isinstance(entry, dict) for name in entry
    ]
    return [*((name,) for name, entry in raw.items() if not isinstance(entry, dict)), *inner]


@pytest.mark.parametrize("keys", parameter_names(), ids=".".join)
def test_a_model_with_another_parameter_is_refused(store: ArtifactStore, keys: tuple[str, ...]) -> None:
    parameters = current_parameters().to_dict()
    section = parameters[keys[0]] if len(keys) == 2 else parameters
    current = section[keys[-1]]
    section[keys[-1]] = current + 1
    rewrite_manifest(store, parameters=parameters)
    with pytest.raises(ModelError) as refused:
        load(store)
    assert f"detector parameter {'.'.join(keys)} = {current + 1!r}, but this release has {current!r}" in str(
        refused.value
    )
    assert "Train the model again" in str(refused.value)


@pytest.mark.parametrize("parameters", [{}, {"version": 1}])
def test_a_model_without_parameters_is_refused(store: ArtifactStore, parameters: dict[str, int]) -> None:
    rewrite_manifest(store, parameters=parameters)
    with pytest.raises(ModelError, match="detector parameter"):
        load(store)


def test_another_format_is_refused(store: ArtifactStore) -> None:
    rewrite_manifest(store, format_version=1)
    with pytest.raises(ModelError, match=r"format 1, not 7\. Train the model again"):
        load(store)


def test_a_run_that_was_exchanged_after_promotion_is_refused(store: ArtifactStore) -> None:
    rewrite_manifest(store, rows=61)
    with pytest.raises(ModelError, match="is not the one that was promoted"):
        current_run(store)


def test_damaged_pointer_is_refused(store: ArtifactStore) -> None:
    store.write("current.json", b"{")
    with pytest.raises(ModelError, match="is damaged"):
        current_run(store)


def test_without_a_model_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Train one with ndr-if-training"):
        current_run(model_store(str(tmp_path), "local"))


@pytest.mark.parametrize("name", ["../other", "a/b", "", ".hidden"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError):
        model_store(str(tmp_path), name)
    with pytest.raises(ModelError):
        load_model(model_store(str(tmp_path), "local"), name, NAMES, EXPECTED)


def test_run_id_follows_from_the_facts() -> None:
    assert run_id_of({"a": 1, "b": 2}) == run_id_of({"b": 2, "a": 1}) != run_id_of({"a": 1, "b": 3})
