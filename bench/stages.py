"""The commands of the stages, as users run them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Run, run

SPARK_MEMORY = "spark.driver.memory=8g"


@dataclass(frozen=True)
class Program:
    """An installation of the product, and the engine that it uses."""

    commands: Path
    engine: str

    @classmethod
    def of_this_python(cls) -> Program:
        """The commands beside the running interpreter."""
        return cls(Path(sys.executable).parent, "sail")

    def stage(self, name: str, window: str, lake: Path, *more: str) -> Run:
        """One stage."""
        options = ("--window", window, "--lake", str(lake), "--engine", self.engine)
        return run([str(self.commands / name), *options, *more], {"NDR_SPARK_CONF": SPARK_MEMORY})

    def window(self, window: str, lake: Path, sessions: Path) -> Run:
        """Slices, pair counts and FG-A, one process after the other."""
        return Run.joined(
            [
                self.stage("ndr-delta", window, lake, "--input", str(sessions)),
                self.stage("ndr-pair-counts", window, lake),
                self.stage("ndr-fg-a", window, lake),
            ]
        )

    def baselines(self, month: str, reference: str, lake: Path, *more: str) -> Run:
        """The baselines of a month."""
        when = ("--month", month, "--reference-time", reference)
        return run([str(self.commands / "ndr-fg-b"), *when, "--lake", str(lake), "--engine", self.engine, *more])

    def start_up(self) -> Run:
        """Starting and ending the engine without any work."""
        return run([str(self.commands / "python"), "-m", "bench.start_up", self.engine])
