"""Runs of the lifecycle's stages, and what they leave."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from common.windows import Windows
from jobs.if_training.cli import main
from jobs.if_training.config import STAGES
from jobs.if_training.lifecycle import ARTIFACTS
from tests.jobs.if_training.lakes import add_windows, span

RUN = "run-1"
WINDOWS = 60
FAST: dict[str, Any] = {
    "min_rows": 20,
    "selection_min_rows": 100_000,
    "tuning_trials": 0,
    "transplants": 60,
    "max_alert_share": 0.2,
    "max_score_psi": 1.0,
    "min_refit_agreement": 0.3,
}


@dataclass
class Lifecycle:
    """The stages of one run on one lake."""

    lake: Path
    windows: Windows
    run_id: str = RUN
    settings: Path | None = None

    def parameters(self, **settings: Any) -> None:
        """Sets the project parameters, in a file of their own: a process reads each only once."""
        self.settings = self.lake / f"parameters-{len(list(self.lake.glob('parameters-*')))}.yaml"
        self.settings.write_text(yaml.safe_dump(settings))

    def options(self, stage: str) -> list[str]:
        """The command line of a stage."""
        given = ["--stage", stage, "--run-id", self.run_id, "--window", str(self.windows), "--lake", str(self.lake)]
        return given + (["--parameters", str(self.settings)] if self.settings else [])

    def run(self, stage: str, *more: str) -> dict[str, Any]:
        """The run report of a stage that succeeds."""
        result = CliRunner().invoke(main, [*self.options(stage), *more])
        assert result.exit_code == 0, result.stderr
        report: dict[str, Any] = json.loads(result.stdout)
        return report

    def fail(self, stage: str, *more: str) -> str:
        """The one line of error of a stage that fails."""
        result = CliRunner().invoke(main, [*self.options(stage), *more])
        assert result.exit_code == 1, result.output
        line = result.stderr.strip().splitlines()[-1]
        assert line.startswith("error: ")
        return line

    def until(self, last: str) -> None:
        """Runs all stages up to and with that one."""
        for stage in STAGES[: STAGES.index(last) + 1]:
            self.run(stage)

    def artifact(self, stage: str) -> dict[str, Any]:
        """The artifact that the stage left."""
        found: dict[str, Any] = json.loads(self.path(ARTIFACTS[stage]).read_bytes())
        return found

    def path(self, name: str) -> Path:
        """A file of the run."""
        return self.lake / "models" / "local" / self.run_id / name

    def current(self) -> str | None:
        """The run that the pointer names."""
        pointer = self.lake / "models" / "local" / "current.json"
        return json.loads(pointer.read_bytes())["run_id"] if pointer.exists() else None


MakeLifecycle = Callable[[Windows], Lifecycle]


@pytest.fixture
def lifecycle(tmp_path: Path) -> MakeLifecycle:
    """A lifecycle on an empty lake of its own, for a range."""

    def make(windows: Windows) -> Lifecycle:
        lake = tmp_path / "lake"
        lake.mkdir()
        made = Lifecycle(lake, windows)
        made.parameters(training={"min_rows": 20})
        return made

    return make


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with run-1 trained and its attributes written, and run-2 as well; none is current."""
    lake = tmp_path_factory.mktemp("deployment") / "lake"
    lake.mkdir()
    add_windows(lake, span(WINDOWS), 20)
    for name, more in (("run-1", []), ("run-2", ["--random-state", "9"])):
        made = Lifecycle(lake, span(WINDOWS), name)
        made.parameters(training=FAST)
        for stage in ("verify", "remediate", "reverify", "train", "publish", "attributes"):
            made.run(stage, *more)
    return lake


@pytest.fixture
def first(two_runs: Path, tmp_path: Path) -> Lifecycle:
    """Run 1, ready to be deployed."""
    made = Lifecycle(shutil.copytree(two_runs, tmp_path / "lake"), span(WINDOWS))
    made.parameters(training=FAST)
    return made


def second(first: Lifecycle) -> Lifecycle:
    """Run 2 on the lake of the first one, which has another seed."""
    return Lifecycle(first.lake, first.windows, "run-2", first.settings)
