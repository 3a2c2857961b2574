"""The stages as commands, timed as whole processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.measure import Run, run
from common.runtime.programs import scripts_folder

SPARK_MEMORY = "spark.driver.memory=8g"


@dataclass(frozen=True)
class Program:
    """An installation of the project, and the engine it uses."""

    commands: Path
    engine: str

    @classmethod
    def of_this_python(cls) -> Program:
        """The installation of the running interpreter, with the default engine."""
        return cls(scripts_folder(), "sail")

    def stage(self, name: str, window: str, lake: Path, *more: str) -> Run:
        """Runs one stage."""
        options = ("--window", window, "--lake", str(lake), "--engine", self.engine)
        return run([str(self.commands / name), *options, *more], {"NDR_SPARK_CONF": SPARK_MEMORY})

    def window(self, window: str, lake: Path, sessions: Path) -> Run:
        """Computes slices, pair counts and FG-A, in one process each."""
        return Run.joined(
            [
                self.stage("ndr-delta", window, lake, "--input", str(sessions)),
                self.stage("ndr-pair-counts", window, lake),
                self.stage("ndr-fg-a", window, lake),
            ]
        )

    def baselines(self, month: str, reference: str, lake: Path, *more: str) -> Run:
        """Computes the baselines of a month."""
        when = ("--month", month, "--reference-time", reference)
        return run([str(self.commands / "ndr-fg-b"), *when, "--lake", str(lake), "--engine", self.engine, *more])

    def start_up(self) -> Run:
        """Starts and stops the engine without any work."""
        return run([str(self.commands / "python"), "-m", "bench.start_up", self.engine])
