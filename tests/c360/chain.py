"""The commands of Customer 360 on the folders of a scenario, as the schedule and the warehouse's task run them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jobs.c360_clean.cli import main as clean
from jobs.c360_staging.cli import main as staging
from jobs.c360_validate.cli import main as validate
from jobs.c360_warehouse.cli import main as warehouse
from tests.commands import Argument, run

COMMANDS = {"validate": validate, "clean": clean, "staging": staging, "warehouse": warehouse}


@dataclass(frozen=True)
class Chain:
    """The zones and the warehouse below a folder; classic Spark cleans too, where it is the engine."""

    folder: Path
    engine: str = "sail"

    @property
    def zones(self) -> Path:
        """The folder of the zones."""
        return self.folder / "zones"

    @property
    def database(self) -> Path:
        """The folder of the warehouse."""
        return self.folder / "warehouse"

    def deliver(self, scenario: Path, days: Iterable[date]) -> None:
        """Puts the files that arrive on these days into `raw`, and has them sorted."""
        for day in days:
            if (scenario / f"day={day}").exists():
                shutil.copytree(scenario / f"day={day}" / "raw", self.zones / "raw", dirs_exist_ok=True)
                self.run("validate", *self.validate_options())

    def clean(self, days: str, late_days: int = 0) -> dict[str, Any]:
        """Cleans a day or a range of days; the report."""
        return self.run("clean", *self.clean_options(days), "--late-days", str(late_days))

    def stage(self, day: date, name: str = "staging") -> dict[str, Any]:
        """Publishes the snapshot as of a day; the report."""
        return self.run("staging", *self.staging_options(day, name))

    def load(self, name: str = "staging", *more: str) -> dict[str, Any]:
        """Loads the published snapshot; the report."""
        return self.run("warehouse", *self.warehouse_options(name), *more)

    def run(self, command: str, *arguments: Argument) -> dict[str, Any]:
        """The report of a command that must not fail."""
        code, report, error = run(COMMANDS[command], *arguments)
        assert code == 0, error[-3000:]
        return report

    def validate_options(self) -> list[Argument]:
        """What sorts all files of `raw`."""
        return ["--zones", self.zones]

    def clean_options(self, days: str) -> list[Argument]:
        """What cleans a day or a range of days."""
        folders: list[Argument] = ["--archive", self.zones / "archive", "--clean", self.zones / "clean"]
        return [*folders, "--load-date", days, "--driver", "spark" if self.engine == "spark" else "processes"]

    def staging_options(self, day: date, name: str = "staging") -> list[Argument]:
        """What publishes the snapshot as of a day."""
        folders: list[Argument] = ["--clean", self.zones / "clean", "--staging", self.zones / name]
        return [*folders, "--as-of", str(day), "--engine", self.engine]

    def warehouse_options(self, name: str = "staging") -> list[Argument]:
        """What loads the published snapshot."""
        return ["run", "--staging", self.zones / name, "--database", self.database]


def rejected_files(chain: Chain) -> set[str]:
    """The files in `rejected` that have a reason."""
    folder = chain.zones / "rejected"
    return {path.relative_to(folder).as_posix().removesuffix(".reason.json") for path in folder.rglob("*.reason.json")}


def rejected_rows(chain: Chain) -> set[tuple[str, str, int | None, str | None]]:
    """Dataset, file, line and column of the rows that were rejected."""
    folder = chain.zones / "clean" / "rejects"
    rows = [(path, json.loads(line)) for path in folder.rglob("*.ndjson") for line in path.open()]
    return {(path.parent.name, row["file"], row["line"], row["column"]) for path, row in rows}
