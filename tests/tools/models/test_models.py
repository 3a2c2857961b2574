"""Models of the format before are migrated once, whole, and with the scores that they had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.registry.artifacts import LoadedModel, load_model
from common.detection.registry.pointer import ArtifactStore, current_run, model_store, promoted_run, roll_back
from common.errors import ModelError, StorageError
from tests.common.detection.model_lake import make_lake, train_model
from tests.factories import SPEC
from tests.tools.models.format_3 import write_format_3
from tools.models.cli import main
from tools.models.job import complete_runs
from tools.models.migration import migrate_models

NAMES = model_features(SPEC).names
EXPECTED = {"project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d"}
ROWS = Samples(features=np.random.default_rng(1).gamma(1, 2, (20, len(NAMES))).astype(np.float32))


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake with two promoted models of today, the newer one first."""
    lake = make_lake(tmp_path_factory.mktemp("models"))
    older, newer = (train_model(lake, random_state)["run_id"] for random_state in (1, 2))
    return lake, [newer, older]


@pytest.fixture
def lake(today: tuple[Path, list[str]], tmp_path: Path) -> Path:
    """The lake, with both models of format 3."""
    shutil.copytree(today[0] / "models", tmp_path / "models")
    for run_id in today[1]:
        write_format_3(model_store(str(tmp_path), "local"), run_id)
    return tmp_path


@pytest.fixture
def store(lake: Path) -> ArtifactStore:
    return model_store(str(lake), "local")


@pytest.fixture(scope="module")
def runs(today: tuple[Path, list[str]]) -> list[str]:
    return today[1]


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def files(store: ArtifactStore) -> dict[str, bytes]:
    return {entry.name: store.read(entry.name) for entry in store.list()}


def load(store: ArtifactStore, run_id: str) -> LoadedModel:
    return load_model(store, run_id, NAMES, EXPECTED)


def test_a_model_of_format_3_is_refused_with_the_remedy(store: ArtifactStore, runs: list[str]) -> None:
    with pytest.raises(ModelError, match=r"has format 3, not 4\. Run ndr-models migrate"):
        load(store, runs[0])


def test_migrated_models_are_those_of_today(lake: Path, today: tuple[Path, list[str]], store: ArtifactStore) -> None:
    code, output, _ = invoke("migrate", "--lake", str(lake))
    assert code == 0
    assert json.loads(output) == {
        "migrated": sorted(today[1]), "unchanged": [], "refused": {}, "pointer_moved": True,
    }  # fmt: skip
    before = model_store(str(today[0]), "local")
    assert files(store) == files(before)
    for run_id in today[1]:
        mine, theirs = (load(entry, run_id).detector.score_samples(ROWS) for entry in (store, before))
        np.testing.assert_array_equal(mine, theirs)
    assert current_run(store) == today[1][0]
    assert roll_back(store) == tuple(today[1])


def test_a_second_migration_changes_nothing(lake: Path, store: ArtifactStore, runs: list[str]) -> None:
    invoke("migrate", "--lake", str(lake))
    before = files(store)
    code, output, _ = invoke("migrate", "--lake", str(lake))
    assert code == 0 and files(store) == before
    assert json.loads(output) == {
        "migrated": [], "unchanged": sorted(runs), "refused": {}, "pointer_moved": False,
    }  # fmt: skip


class Killed(ArtifactStore):
    """A store whose writes end after some."""

    def __init__(self, uri: str, writes: int) -> None:
        super().__init__(uri)
        self.left = writes

    def write(self, name: str, content: bytes) -> None:
        """Writes, as long as writes are left."""
        if not self.left:
            raise StorageError("killed", "Start again")
        self.left -= 1
        super().write(name, content)


@pytest.mark.parametrize("writes", range(5))  # of two models and the pointer: 2 + 2 + 1
def test_killed_anywhere_and_repeated_the_result_is_the_same(
    store: ArtifactStore, today: tuple[Path, list[str]], runs: list[str], writes: int
) -> None:
    with pytest.raises(StorageError, match="killed"):
        migrate_models(Killed(store.uri, writes), complete_runs(store))
    for run_id in runs:  # what is not migrated to its end is refused, and the remedy is to go on
        with pytest.raises(ModelError, match="ndr-models migrate"):
            promoted_run(store, run_id)
            load(store, run_id)
    done = migrate_models(store, complete_runs(store))
    assert done.refused == {} and done.pointer_moved
    assert files(store) == files(model_store(str(today[0]), "local"))


class Migrating(ArtifactStore):
    """A store whose model is migrated as a whole right after some reads of it."""

    def __init__(self, uri: str, reads: int) -> None:
        super().__init__(uri)
        self.left = reads

    def read(self, name: str) -> bytes:
        """Reads, and migrates after the last of the reads."""
        content = super().read(name)
        self.left -= 1
        if not self.left:
            other = ArtifactStore(self.uri)
            migrate_models(other, complete_runs(other))
        return content


@pytest.mark.parametrize("reads", range(1, 6))  # pointer, SUCCESS, manifest; SUCCESS, manifest
def test_who_reads_during_a_migration_loads_the_model_or_is_told_to_migrate(store: ArtifactStore, reads: int) -> None:
    reader = Migrating(store.uri, reads)
    try:
        load(reader, current_run(reader))
    except ModelError as error:
        assert "ndr-models migrate" in str(error)
    assert reader.left <= 0
    load(store, current_run(store))


@pytest.mark.parametrize("reads", [2, 3])  # the pointer, then SUCCESS and manifest of the first model
def test_two_migrations_at_once_end_as_one(store: ArtifactStore, today: tuple[Path, list[str]], reads: int) -> None:
    assert migrate_models(Migrating(store.uri, reads), complete_runs(store)).refused == {}
    assert files(store) == files(model_store(str(today[0]), "local"))


def test_a_damaged_pointer_names_no_model(store: ArtifactStore, runs: list[str]) -> None:
    store.write("current.json", b"{}")
    assert migrate_models(store, complete_runs(store)).migrated == sorted(runs)


@pytest.mark.parametrize("name", ["model.joblib", "evidence.json", "drift.json", "report.json", "manifest.json"])
def test_an_altered_model_is_refused_and_stays(lake: Path, store: ArtifactStore, runs: list[str], name: str) -> None:
    path = Path(store.uri) / runs[1] / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
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


def test_a_model_that_was_exchanged_after_promotion_is_refused(store: ArtifactStore, runs: list[str]) -> None:
    pointer = store.read("current.json")
    write_format_3(store, runs[0], rows=61)
    store.write("current.json", pointer)
    done = migrate_models(store, complete_runs(store))
    assert done.migrated == [runs[1]] and "is not the one that was promoted" in done.refused[runs[0]]


@pytest.mark.parametrize(
    ("differs", "words"),
    [
        ({"ensemble": {"clip": 5.0}}, "was trained with the constants {'clip': 5.0}"),
        ({"format_version": 2}, "has format 2, which cannot be migrated"),
    ],
)
def test_models_of_other_constants_or_formats_are_refused(
    store: ArtifactStore, runs: list[str], differs: dict[str, Any], words: str
) -> None:
    write_format_3(store, runs[1], **differs)
    done = migrate_models(store, complete_runs(store))
    assert done.migrated == [runs[0]] and words in done.refused[runs[1]]


def test_the_list_tells_which_models_load(lake: Path, runs: list[str]) -> None:
    def listed() -> list[tuple[str, str, bool, int]]:
        lines = [json.loads(line) for line in invoke("list", "--lake", str(lake))[1].splitlines()]
        return [(line["run_id"], line["status"], line["loads"], line["format_version"]) for line in lines]

    status = dict(zip(runs, ("current", "previous"), strict=True))
    assert listed() == [(run_id, status[run_id], False, 3) for run_id in sorted(runs)]
    invoke("migrate", "--lake", str(lake))
    assert listed() == [(run_id, status[run_id], True, 4) for run_id in sorted(runs)]


def test_a_model_is_shown_with_its_parameters(lake: Path, runs: list[str]) -> None:
    invoke("migrate", "--lake", str(lake))
    code, output, _ = invoke("show", runs[0], "--lake", str(lake))
    shown = json.loads(output)
    assert code == 0
    assert shown["parameters"]["pairs"]["quorum_hosts"] == 5
    assert "preprocessing" not in shown
    code, _, error = invoke("show", "if-none", "--lake", str(lake))
    assert code == 1 and "there is no model if-none" in error


def test_a_project_without_models_has_nothing_to_migrate(tmp_path: Path) -> None:
    code, output, _ = invoke("migrate", "--lake", str(tmp_path))
    assert code == 0
    assert json.loads(output) == {"migrated": [], "unchanged": [], "refused": {}, "pointer_moved": False}
