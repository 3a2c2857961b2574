"""The stages as processes: in a row, one by one, killed anywhere; and what help costs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest

from common.detection.registry.pointer import current_run, model_store
from tests.jobs.if_training.conftest import FAST, Lifecycle
from tests.jobs.if_training.lakes import add_windows, span

pytestmark = pytest.mark.slow

COMMAND = str(Path(sysconfig.get_path("scripts")) / "ndr-if-training")
WINDOWS, HOSTS = 60, 20
KILL_AFTER_SECONDS = (1.2, 2.5, 4.0, 5.5, 7.0, 9.0)


def fresh(source: Lifecycle, folder: Path) -> Lifecycle:
    """The same features without a model."""
    shutil.copytree(source.lake, folder, ignore=shutil.ignore_patterns("models", "parameters-*"))
    made = Lifecycle(folder, source.windows)
    made.parameters(training=FAST)
    return made


def model(lifecycle: Lifecycle) -> bytes:
    return lifecycle.path("arrays.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lifecycle, dict[str, Any]]:
    """A lake on which all stages ran in one go, and the report of that."""
    made = Lifecycle(tmp_path_factory.mktemp("whole"), span(WINDOWS))
    made.parameters(training=FAST)
    add_windows(made.lake, made.windows, HOSTS)
    return made, made.run("all")


def test_all_stages_in_a_row_are_the_stages_one_by_one(whole: Any, tmp_path: Path) -> None:
    single = fresh(whole[0], tmp_path / "lake")
    single.until("deploy")
    for stage in ("verify", "remediate", "reverify", "train", "publish", "attributes", "deploy"):
        assert single.artifact(stage) == whole[0].artifact(stage), stage
    assert model(single) == model(whole[0])
    assert single.current() == whole[0].current() == "run-1"


def test_the_report_names_every_stage(whole: Any) -> None:
    report = whole[1]
    steps = [entry["step"] for entry in report["steps"]]
    for name in ("verify", "remediate", "reverify", "read", "select", "tune", "validate", "train", "save", "publish",
                 "attributes", "gates", "promote"):  # fmt: skip
        assert name in steps
    assert report["details"]["run_id"] == "run-1"
    assert report["rows_in"] == WINDOWS * HOSTS


@pytest.mark.long
def test_stages_that_are_killed_anywhere_end_in_the_same_model(whole: Any, tmp_path: Path) -> None:
    made = fresh(whole[0], tmp_path / "lake")
    for seconds in KILL_AFTER_SECONDS:
        running = subprocess.Popen(
            [COMMAND, *made.options("all")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        running.send_signal(signal.SIGKILL)
        running.wait()
        if made.current() is not None:
            assert current_run(model_store(str(made.lake), "local")) == "run-1"  # whole, or not there
    made.run("all")
    assert model(made) == model(whole[0])
    assert made.current() == "run-1"
    assert made.artifact("deploy") == whole[0].artifact("deploy")


def test_nothing_has_to_be_writable_but_the_lake(whole: Any, tmp_path: Path) -> None:
    made = fresh(whole[0], tmp_path / "lake")
    nowhere = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), "/proc")
    done = subprocess.run(
        [COMMAND, *made.options("all")], capture_output=True, text=True, env={**os.environ, **nowhere}
    )
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["level"] for line in done.stderr.splitlines()} == {"info"}  # steps, and no warning
    assert {path.name for path in made.lake.iterdir() if path.is_dir()} == {
        "fg_a", "fg_c", "window_status", "model_decisions", "models", "_scratch",
    }  # fmt: skip
    assert list((made.lake / "_scratch").iterdir()) == []


def test_help_loads_no_library_of_the_models() -> None:
    heavy = ("sklearn", "optuna", "jinja2", "scipy")
    code = f"import sys, jobs.if_training.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("stage", ["verify", "remediate", "reverify"])
def test_stages_without_a_model_load_no_library_of_the_models(whole: Any, stage: str) -> None:
    arguments = [*whole[0].options(stage)]
    code = (
        "import sys; from jobs.if_training.cli import main; main(sys.argv[1:], standalone_mode=False); "
        "print([n for n in ('sklearn', 'optuna') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stage", "train", "--run-id", "a"], "Missing option '--window': stage train needs the training range"),
        (["--stage", "train", "--window", str(span(4))], "Missing option '--run-id': stage train belongs to a run"),
        (["--stage", "prepare"], "Invalid value for '--stage'"),
        (["--run-id", "../x", "--window", str(span(4))], "'../x' is not a valid run id"),
    ],
)
def test_usage_errors(tmp_path: Path, options: list[str], message: str) -> None:
    done = subprocess.run([COMMAND, "--lake", str(tmp_path), *options], capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr


def test_the_arguments_of_the_pipeline_are_taken(whole: Any) -> None:
    """Every step gets texts only; the state machine's name is empty where there is none."""
    made = whole[0]
    arguments = [
        "--project-name", "local", "--feature-spec-version", "v1", "--lake", str(made.lake), "--engine", "sail",
        "--parameters", str(made.settings), "--window", "2026-03-10T00:08:00Z/2026-03-10T15:08:00Z",
        "--run-id", "run-1", "--stage", "remediate", "--missing-windows", "auto", "--backfill-state-machine", "",
    ]  # fmt: skip
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["details"]["remediate"]["rounds"] == 0
