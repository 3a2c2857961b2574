"""Models of the format before are migrated once, whole, and with the scores that they had."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.ensemble import IsolationForest

from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.parameters import current_parameters
from common.detection.registry.artifacts import LoadedModel, load_model
from common.detection.registry.decisions import Note
from common.detection.registry.formats import sha256
from common.detection.registry.pointer import ArtifactStore, current_run, model_store, promoted_run
from common.detection.registry.promotion import roll_back
from common.errors import ModelError
from tests.common.detection.model_lake import make_lake, train_model
from tests.common.detection.pairs.pair_tables import small_members
from tests.factories import SPEC
from tests.lakes import mark_lake
from tests.tools.models.interrupted import Killed, Migrating
from tests.tools.models.old_formats import Grower, seal, write_old
from tests.tools.models.test_pickled_forest import Calls
from tools.models.cli import main
from tools.models.job import complete_runs
from tools.models.migration import migrate_models

pytestmark = pytest.mark.slow

NAMES = model_features(SPEC).names
PARAMETERS = current_parameters().to_dict()
OTHER = PARAMETERS | {"forest": PARAMETERS["forest"] | {"n_estimators": 7}}
EXPECTED = {"project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d"}
ROWS = Samples(features=np.random.default_rng(1).gamma(1, 2, (20, len(NAMES))).astype(np.float32))


@dataclass(frozen=True)
class Trained:
    """A lake with two promoted models of today, the newer one first and with pairs, and the estimators of both."""

    lake: Path
    runs: list[str]
    estimators: list[IsolationForest]


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained once for all tests."""
    lake, grow = make_lake(tmp_path_factory.mktemp("models")), Grower()
    older, estimator = train_model(lake, 1, grow)["run_id"], grow.last
    pairs, spread, _ = small_members(tmp_path_factory.mktemp("pairs"))
    newer = train_model(lake, 2, grow, (pairs, spread))["run_id"]
    return Trained(lake, [newer, older], [grow.last, estimator])


@pytest.fixture
def version() -> int:
    """The format that the models have."""
    return 4


@pytest.fixture
def lake(today: Trained, tmp_path: Path, version: int) -> Path:
    """The lake, with both models of an old format."""
    mark_lake(tmp_path)
    shutil.copytree(today.lake / "models", tmp_path / "models")
    for run_id, estimator in zip(today.runs, today.estimators, strict=True):
        write_old(model_store(str(tmp_path), "local"), run_id, estimator, version)
    return tmp_path


@pytest.fixture
def store(lake: Path) -> ArtifactStore:
    return model_store(str(lake), "local")


@pytest.fixture(scope="module")
def runs(today: Trained) -> list[str]:
    return today.runs


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def files(store: ArtifactStore) -> dict[str, bytes]:
    return {entry.name: store.read(entry.name) for entry in store.list()}


def load(store: ArtifactStore, run_id: str) -> LoadedModel:
    return load_model(store, run_id, NAMES, EXPECTED)


def parts(store: ArtifactStore) -> dict[str, Any]:
    """The files but the digests of manifests, and the manifests without what they say of where they come from."""
    found: dict[str, Any] = {name: content for name, content in files(store).items() if "SUCCESS" not in name}
    for name in [name for name in found if name.endswith("manifest.json")]:
        found[name] = {key: value for key, value in json.loads(found[name]).items() if key != "migrated_from"}
    del found["current.json"]
    return found


@pytest.mark.parametrize("version", [4, 5])
def test_an_old_model_is_refused_with_the_remedy(store: ArtifactStore, runs: list[str], version: int) -> None:
    with pytest.raises(ModelError, match=rf"has format {version}, not 7\. Run ndr-models migrate"):
        load(store, runs[0])


@pytest.mark.parametrize("version", [4, 5])
def test_migrated_models_are_those_of_today(lake: Path, today: Trained, store: ArtifactStore, version: int) -> None:
    old = {run_id: store.read(f"{run_id}/manifest.json") for run_id in today.runs}
    first = "model.safetensors" if version == 5 else "model.joblib"
    pickled = {run_id: store.read(f"{run_id}/{first}") for run_id in today.runs}
    code, output, _ = invoke("migrate", "--lake", str(lake))
    assert code == 0
    assert json.loads(output) == {
        "migrated": sorted(today.runs), "unchanged": [], "refused": {}, "pointer_moved": True,
    }  # fmt: skip
    before = model_store(str(today.lake), "local")
    assert parts(store) == parts(before)
    for run_id in today.runs:
        assert load(store, run_id).manifest["migrated_from"] == {
            "format_version": version,
            "manifest_sha256": sha256(old[run_id]),
            "model_sha256": sha256(pickled[run_id]),
        }
    assert current_run(store) == today.runs[0]
    move = roll_back(store, "local", Note("jane", "it was better"))
    assert [move.before, move.current] == today.runs


def test_migrated_models_score_as_the_estimators_did(lake: Path, today: Trained, store: ArtifactStore) -> None:
    invoke("migrate", "--lake", str(lake))
    for run_id, estimator in zip(today.runs, today.estimators, strict=True):
        forest = load(store, run_id).detector.forest
        found = -estimator.score_samples(forest.preprocessor.transform(ROWS.features))
        np.testing.assert_array_equal(forest.path_scores(ROWS.features), found)


def test_a_second_migration_changes_nothing(lake: Path, store: ArtifactStore, runs: list[str]) -> None:
    invoke("migrate", "--lake", str(lake))
    before = files(store)
    code, output, _ = invoke("migrate", "--lake", str(lake))
    assert code == 0 and files(store) == before
    assert json.loads(output) == {
        "migrated": [], "unchanged": sorted(runs), "refused": {}, "pointer_moved": False,
    }  # fmt: skip


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("changes", [0, 3, 4, 5, 6, 7, 9, 10, 12])  # of 13: 4 files, the pointer, 4 for each model
def test_killed_anywhere_and_repeated_the_result_is_the_same(
    store: ArtifactStore, today: Trained, changes: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        migrate_models(Killed(store.uri, changes), complete_runs(store))
    loaded = [run_id for run_id in today.runs if loads_or_is_told_to_migrate(store, run_id)]
    assert len(loaded) == (changes >= 7) + (changes >= 11)  # 4 files, the pointer, SUCCESS and manifest, 2 removals
    done = migrate_models(store, complete_runs(store))
    assert done.refused == {} and done.pointer_moved == (changes < 5)
    assert parts(store) == parts(model_store(str(today.lake), "local"))
    assert all(loads_or_is_told_to_migrate(store, run_id) for run_id in today.runs)


def loads_or_is_told_to_migrate(store: ArtifactStore, run_id: str) -> bool:
    """Whether a promoted run loads; if not, the error says what to do."""
    try:
        load(store, promoted_run(store, run_id))
    except ModelError as error:
        assert "ndr-models migrate" in str(error)
        return False
    return True


@pytest.mark.parametrize("reads", range(1, 6))  # pointer, manifest, SUCCESS; manifest, SUCCESS
def test_who_reads_during_a_migration_loads_the_model_or_is_told_to_migrate(store: ArtifactStore, reads: int) -> None:
    reader = Migrating(store.uri, reads)
    try:
        load(reader, current_run(reader))
    except ModelError as error:
        assert "ndr-models migrate" in str(error)
    assert reader.left <= 0
    load(store, current_run(store))


@pytest.mark.parametrize("reads", [1, 2, 3, 5, 7])  # the pointer; manifest, SUCCESS and four files of the first model
def test_two_migrations_at_once_end_as_one(store: ArtifactStore, today: Trained, reads: int) -> None:
    assert migrate_models(Migrating(store.uri, reads), complete_runs(store)).refused == {}
    assert parts(store) == parts(model_store(str(today.lake), "local"))
    assert all(loads_or_is_told_to_migrate(store, run_id) for run_id in today.runs)


def test_a_damaged_pointer_names_no_model(store: ArtifactStore, runs: list[str]) -> None:
    store.write("current.json", b"{}")
    assert migrate_models(store, complete_runs(store)).migrated == sorted(runs)


@pytest.mark.parametrize("name", ["model.joblib", "evidence.json", "drift.json", "report.json", "manifest.json"])
def test_an_altered_model_is_refused_and_stays(lake: Path, store: ArtifactStore, runs: list[str], name: str) -> None:
    path = Path(store.uri) / runs[1] / name
    content = bytearray(path.read_bytes())
    place = content.index(b'"rows":128,"run_id"') + 9 if name == "manifest.json" else len(content) // 2
    content[place] ^= 1
    path.write_bytes(content)
    before = files(store)
    code, output, error = invoke("migrate", "--lake", str(lake))
    assert code == 1 and f"1 of the models in {store.uri} were refused: {runs[1]}" in error
    report = json.loads(output)
    assert report["migrated"] == [runs[0]] and name in report["refused"][runs[1]]
    assert {key: value for key, value in files(store).items() if runs[1] in key} == {
        key: value for key, value in before.items() if runs[1] in key
    }
    assert current_run(store) == runs[0]


def test_a_model_that_was_exchanged_after_promotion_is_refused(
    store: ArtifactStore, runs: list[str], version: int
) -> None:
    pointer = store.read("current.json")
    write_old(store, runs[0], None, version, rows=61)
    store.write("current.json", pointer)
    done = migrate_models(store, complete_runs(store))
    assert done.migrated == [runs[1]] and "is not the one that was promoted" in done.refused[runs[0]]


@pytest.mark.parametrize(
    ("differs", "words"),
    [
        (
            {"parameters": OTHER},
            "was trained with the detector parameter forest.n_estimators = 7, but this release has 200",
        ),
        ({"format_version": 3}, "has format 3, which cannot be migrated"),
        ({"format_version": 2}, "has format 2, which cannot be migrated"),
        ({"format_version": "4"}, "has format 4, which cannot be migrated"),
    ],
)
def test_models_of_other_constants_or_formats_are_refused(
    store: ArtifactStore, runs: list[str], differs: dict[str, Any], words: str
) -> None:
    write_old(store, runs[1], None, 4, **differs)
    done = migrate_models(store, complete_runs(store))
    assert done.migrated == [runs[0]] and words in done.refused[runs[1]]


def test_the_list_tells_which_models_load(lake: Path, runs: list[str], version: int) -> None:
    def listed() -> list[tuple[str, str, bool, int]]:
        lines = [json.loads(line) for line in invoke("list", "--lake", str(lake))[1].splitlines()]
        return [(line["run_id"], line["status"], line["loads"], line["format_version"]) for line in lines]

    status = dict(zip(runs, ("current", "previous"), strict=True))
    assert sorted(listed()) == [(run_id, status[run_id], False, version) for run_id in sorted(runs)]
    invoke("migrate", "--lake", str(lake))
    assert sorted(listed()) == [(run_id, status[run_id], True, 7) for run_id in sorted(runs)]


def test_a_model_is_shown_with_its_parameters(lake: Path, runs: list[str]) -> None:
    invoke("migrate", "--lake", str(lake))
    code, output, _ = invoke("show", runs[0], "--lake", str(lake))
    shown = json.loads(output)
    assert code == 0
    assert shown["manifest"]["parameters"]["pairs"]["quorum_hosts"] == 5
    assert "preprocessing" not in shown["manifest"]
    code, _, error = invoke("show", "if-none", "--lake", str(lake))
    assert code == 1 and "there is no model if-none" in error


def test_a_project_without_models_has_nothing_to_migrate(tmp_path: Path) -> None:
    code, output, _ = invoke("migrate", "--lake", str(tmp_path))
    assert code == 0
    assert json.loads(output) == {"migrated": [], "unchanged": [], "refused": {}, "pointer_moved": False}


def test_an_old_model_that_runs_code_is_refused_and_stays(
    lake: Path, store: ArtifactStore, runs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store.write(f"{runs[1]}/model.joblib", pickle.dumps(Calls(os.system, "touch exploited")))
    seal(store, runs[1], json.loads(store.read(f"{runs[1]}/manifest.json")))
    code, output, _ = invoke("migrate", "--lake", str(lake))
    report = json.loads(output)
    assert code == 1 and report["migrated"] == [runs[0]]
    assert "asks for posix.system, which no forest needs" in report["refused"][runs[1]]
    assert not Path("exploited").exists() and store.exists(f"{runs[1]}/model.joblib")


def test_the_help_says_that_old_models_hold_pickles() -> None:
    assert "Migrate only models that you trust" in " ".join(invoke("migrate", "--help")[1].split())
