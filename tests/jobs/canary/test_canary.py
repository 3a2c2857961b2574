"""The canary on a lake as the stages make it: what it proves, what it leaves alone, and when it fails."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from common.detection.detector import Detector
from common.detection.drift.reference import DriftReference
from common.detection.input_matrix import read_matrix
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, ForestParameters, Samples
from common.detection.parameters import current_parameters
from common.detection.registry.artifacts import save_model
from common.detection.registry.decisions import Note
from common.detection.registry.pointer import model_store
from common.detection.registry.promotion import promote
from common.lake.canary import FILE, read_result
from common.lake.lake import Lake
from common.runtime.lake_project import lake_project
from common.runtime.run_report import RunReport
from common.windows import WINDOW, Windows
from jobs.canary.cli import main
from jobs.canary.copying import copy_model
from jobs.canary.job import Proof
from jobs.if_training.growing import grow
from tests.commands import call
from tests.factories import SPEC
from tests.jobs.canary.conftest import LEARNT
from tests.lakes import mark_lake

pytestmark = pytest.mark.slow
LAST = Windows.parse("2026-03-10T14:08Z")


def content(lake: Path) -> dict[str, str]:
    """A digest of each file of the lake, but for the result of the canary."""
    files = (path for path in lake.rglob("*") if path.is_file() and path.name != FILE)
    return {str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def blind(lake: Path) -> None:
    """Makes a model current that was trained on features far above those of any host: all are alike to it."""
    features = model_features(SPEC)
    far = read_matrix(Lake(str(lake), SPEC), Windows.parse(LEARNT), features, "7d").values + 1e12
    settings = FitSettings(current_parameters(), SPEC, ForestParameters(10, 256, 1, n_jobs=1), grow)
    detector, raw = Detector.fit(Samples(features=far), settings)
    store = model_store(str(lake), "local")
    facts = {"project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d", "rows": len(far)}
    drift = DriftReference.fit(far, raw, features.names, SPEC, settings.parameters.drift)
    save_model(store, "blind", detector, drift, facts, b"{}")
    promote(store, "local", "blind", Note("jane", "for a test"))


def test_all_attacks_come_to_the_top_and_the_lake_stays_as_it_is(lake: Path) -> None:
    before = content(lake)
    code, out, error = call(main, "--lake", lake)
    assert code == 0, error
    lines = out.splitlines()
    assert lines[0].startswith("3 of 3 attacks in a copy of 2026-03-10T14:08Z are among the first 10 hosts by model ")
    assert [line.split()[:2] for line in lines[1:]] == [["found", "beacon"], ["found", "scan"], ["found", "upload"]]
    assert content(lake) == before
    result = read_result(str(lake))
    assert result is not None
    assert len({attack["host"] for attack in result.attacks}) == 3
    assert all(attack["rank"] < attack["rank_before"] for attack in result.attacks)


def test_a_copy_without_attacks_scores_as_the_lake_does(lake: Path, tmp_path: Path) -> None:
    project, real = lake_project(str(lake)), Lake(str(lake), SPEC)
    (tmp_path / "proof").mkdir()
    proof = Proof(real, project, LAST, tmp_path / "proof", RunReport("test"))
    idle = [replace(attack, sessions=[]) for attack in proof.attacks()]
    proof.slice(idle)
    copy_model(str(lake), proof.copy.uri, project.name)
    proof.make_copy(idle)
    proof.score()
    for name in ("fg_a", "fg_c", "predictions"):
        rows = (one.arrow(name, windows=LAST).sort_by("host_ip") for one in (real, proof.copy))
        # how far the project has learnt is of the lake, and no score
        found, wanted = (one.drop_columns([*{"score_note"} & {*one.column_names}]) for one in rows)
        assert found.equals(wanted), [name for name in found.column_names if not found[name].equals(wanted[name])]
        assert len(found) > 10


def test_a_blind_model_fails_and_is_named(lake: Path) -> None:
    blind(lake)
    code, out, error = call(main, "--lake", lake, "--json")
    assert code == 1
    line = error.splitlines()[-1]
    assert line.startswith("error: 3 of 3 attacks are not among the first 10 hosts of 2026-03-10T14:08Z: beacon of 10.")
    assert "Look at model blind" in line
    details = json.loads(out)["details"]
    assert [attack["passed"] for attack in details["attacks"]] == [False] * 3
    result = read_result(str(lake))
    assert result is not None
    assert len(result.missed) == 3


def test_killed_it_leaves_nothing_but_what_the_next_run_removes(lake: Path) -> None:
    before = content(lake)
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.canary.cli", "--lake", str(lake)], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if list(lake.glob("_scratch/*/copy/fg_a/_delta_log/*.json")):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.05)
    assert process.wait() == -signal.SIGKILL
    left = content(lake)
    assert {name: digest for name, digest in left.items() if not name.startswith("_scratch")} == before
    assert any(name.startswith("_scratch") for name in left)
    assert not (lake / FILE).exists()
    assert call(main, "--lake", lake)[0] == 0
    assert content(lake) == before


def test_sessions_that_are_gone_are_an_error(lake: Path) -> None:
    Lake(str(lake), SPEC).remove("sessions", "date = '2026-03-10'")
    code, _, error = call(main, "--lake", lake)
    assert code == 1
    assert re.search(r"has [0-9,]+ of the [0-9,]+ sessions that 10\.", error)
    assert "Give a later --window" in error


def test_a_window_without_enough_hosts_is_an_error(lake: Path) -> None:
    Lake(str(lake), SPEC).remove("predictions", f"window = '{LAST.key}'")
    code, _, error = call(main, "--lake", lake, "--window", str(LAST))
    assert code == 1
    assert f"only 0 hosts are active and of low scores in {LAST}, and 3 are needed" in error


def test_a_young_project_is_no_failure(tmp_path: Path) -> None:
    mark_lake(tmp_path)
    code, out, error = call(main, "--lake", tmp_path)
    assert code == 0, error
    assert json.loads(out)["details"]["learning"]["model"].endswith("nothing is scored yet")
    assert read_result(str(tmp_path)) is None


def test_a_range_is_refused(tmp_path: Path) -> None:
    code, _, error = call(main, "--lake", tmp_path, "--window", str(Windows(LAST.start - timedelta(hours=1), LAST.end)))
    assert code == 2
    assert "--window must be one window" in error
    assert LAST.end - LAST.start == WINDOW
