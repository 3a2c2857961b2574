"""The training on rows with structure, in miniature: every part of the protocol runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.detection.inputs import model_features
from common.detection.registry.formats import sha256
from common.features.spec import load_spec
from tests.jobs.if_training.conftest import Lifecycle
from tests.jobs.if_training.lakes import add_windows, span

FEATURES = model_features(load_spec("v1"))

pytestmark = pytest.mark.slow

WINDOWS, HOSTS = 60, 20
SMALL: dict[str, Any] = {
    "min_rows": 20,
    "selection_min_rows": 400,
    "tuning_min_rows": 400,
    "tuning_trials": 2,
    "tuning_blocks": 3,
    "bootstraps": 2,
    "permutations": 1,
    "transplants": 60,
    "promotion": "always",
}


def lake_of(folder: Path, windows: int = WINDOWS, hosts: int = HOSTS) -> Lifecycle:
    folder.mkdir()
    made = Lifecycle(folder, span(windows))
    made.parameters(training=SMALL)
    add_windows(folder, span(windows), hosts)
    return made


def copy_of(lifecycle: Lifecycle, folder: Path, models: bool = True) -> Lifecycle:
    shutil.copytree(lifecycle.lake, folder, ignore=None if models else shutil.ignore_patterns("models"))
    made = Lifecycle(folder, lifecycle.windows)
    made.parameters(training=SMALL)
    return made


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Lifecycle:
    made = lake_of(tmp_path_factory.mktemp("training") / "lake")
    made.until("train")
    return made


def test_every_part_of_the_protocol_has_run(trained: Lifecycle) -> None:
    report = trained.artifact("train")
    assert report["rows"] == report["rows_found"] == WINDOWS * HOSTS
    assert (report["windows"], report["coverage"], report["gaps"]) == (WINDOWS, 1.0, 0)
    assert set(report["selection"]["left_out"]) == {"correlated", "unstable", "harmful"}
    assert report["selection"]["judged"] > 1500
    assert len(report["tuning"]["trials"]) == 2 and report["tuning"]["time_bound_hit"] is False
    assert report["parameters"]["training"]["tuning_trials"] == 2
    validation = report["validation"]
    assert (validation["rows"], validation["transplants"]) == (WINDOWS * HOSTS // 5, 60)
    assert 0 < validation["average_precision"] < 1 and 0 < validation["roc_auc"] < 1
    assert validation["refit_agreement"] > 0.8
    assert set(validation["members"]) == {"forest", "evidence"}


def test_features_used_and_left_out_are_all_features(trained: Lifecycle) -> None:
    report = trained.artifact("train")
    assert report["features_used"] + sum(report["features_dropped"].values()) == report["features"]
    assert report["features"] == len(FEATURES.names)
    manifest = json.loads(trained.path("manifest.json").read_bytes())["preprocessing"]
    assert len(manifest["mask"]) == report["features_used"]
    reasons = list(manifest["dropped"].values())
    assert {reason: reasons.count(reason) for reason in set(reasons)} == report["features_dropped"]


def test_the_forest_is_the_one_that_was_tuned(trained: Lifecycle) -> None:
    report, manifest = trained.artifact("train"), json.loads(trained.path("manifest.json").read_bytes())
    best = report["tuning"]["best"]
    assert {name: manifest["forest"][name] for name in best} == best
    assert manifest["settings"]["tuning_trials"] == 2


def test_same_input_gives_the_same_model_elsewhere(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake", models=False)
    again.until("train")
    for name in ("arrays.safetensors", "values.json", "drift.json", "manifest.json", "validation.npz", "SUCCESS"):
        assert sha256(again.path(name).read_bytes()) == sha256(trained.path(name).read_bytes()), name
    assert again.path("report.html").read_text() == trained.path("report.html").read_text()


def test_another_seed_is_another_model(trained: Lifecycle, tmp_path: Path) -> None:
    other = copy_of(trained, tmp_path / "lake", models=False)
    other.until("reverify")
    other.run("train", "--random-state", "5")
    assert other.path("arrays.safetensors").read_bytes() != trained.path("arrays.safetensors").read_bytes()


def test_a_complete_run_is_kept(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake")
    before = {path.name: path.stat().st_mtime_ns for path in again.path("").iterdir()}
    report = again.run("train")
    assert report["details"]["reused"] is True
    assert {path.name: path.stat().st_mtime_ns for path in again.path("").iterdir()} == before


def test_a_run_without_its_last_file_is_made_again(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake")
    again.path("SUCCESS").unlink()
    again.path("arrays.safetensors").write_bytes(b"half of it")
    assert again.run("train")["details"]["reused"] is False
    assert again.path("arrays.safetensors").read_bytes() == trained.path("arrays.safetensors").read_bytes()


def test_a_run_with_other_settings_is_refused(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake")
    line = again.fail("train", "--n-estimators", "50")
    assert "run run-1 holds a model with forest_given" in line and "Give another --run-id" in line


def test_given_forest_parameters_are_not_tuned(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake", models=False)
    again.until("reverify")
    again.run("train", "--n-estimators", "40", "--max-samples", "32")
    report = again.artifact("train")
    assert report["tuning"] == {"reason": "nothing was to be tuned"}
    forest = report["parameters"]["forest"]
    assert (forest["n_estimators"], forest["max_samples"]) == (40, 32)


def test_features_that_changed_since_verification_are_refused(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake", models=False)
    again.until("reverify")
    artifact = again.artifact("reverify")
    artifact["rows"]["joined"] -= 1
    again.path("reverify.json").write_text(json.dumps(artifact))
    line = again.fail("train")
    assert f"{WINDOWS * HOSTS:,} rows" in line and f"{WINDOWS * HOSTS - 1:,} were verified" in line


def test_too_few_rows_are_refused(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake", models=False)
    again.until("reverify")
    assert f"has {WINDOWS * HOSTS:,} rows" in again.fail("train", "--min-rows", "5000")


def test_of_too_many_rows_as_many_are_drawn_over_the_whole_range(trained: Lifecycle, tmp_path: Path) -> None:
    again = copy_of(trained, tmp_path / "lake", models=False)
    again.parameters(training=SMALL | {"max_rows": 500})
    again.until("train")
    report = again.artifact("train")
    assert (report["rows"], report["rows_found"]) == (500, WINDOWS * HOSTS)
    assert report["windows"] == WINDOWS  # 8 of 20 rows of each part: no window is left out here
    assert "arrays.safetensors" in {path.name for path in again.path("").iterdir()}


def test_small_ranges_leave_parts_out_and_say_so(tmp_path: Path) -> None:
    made = lake_of(tmp_path / "lake", windows=8, hosts=12)
    made.until("train")
    report = made.artifact("train")
    assert "fewer than 400" in report["selection"]["reason"] and "fewer than 400" in report["tuning"]["reason"]
    assert "validation needs 200 each" in report["validation"]["reason"]
    assert not made.path("validation.npz").exists()
    assert "not validated" in made.path("report.html").read_text()


def test_the_page_draws_hosts_trials_validation_and_scores(trained: Lifecycle) -> None:
    page = trained.path("report.html").read_text()
    assert page.count('role="img"') == 5
    assert "Not decided yet" in page and "Training <bdi>run-1</bdi>" in page and str(span(WINDOWS)) in page


def test_examined_rows_are_of_the_validation_block(trained: Lifecycle) -> None:
    report = trained.artifact("train")["validation"]
    content = trained.path("validation.npz").read_bytes()
    assert sha256(content) == report["sha256"]
    with np.load(trained.path("validation.npz")) as archive:
        assert archive["values"].shape == (report["rows"] + 60, len(FEATURES.names))
        assert int(archive["odd"].sum()) == 60
        assert archive["final"].shape == archive["validated"].shape == (report["rows"] + 60,)
