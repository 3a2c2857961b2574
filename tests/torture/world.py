"""A small network, and its lake in the states between which the commands of a window take it.

State 0 holds a day of sessions, its features, baselines, model, scores and publication. Then the last window gets other
logs, and each command in turn takes the lake from one state to the next: so a command that is killed has a state
before, a state after, and nothing else may be seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from common.lake.publications import MEMBERS
from common.lake.publications import TABLE as PUBLICATIONS
from common.windows import Windows
from tests.commands import command_line
from tests.tools.lake.formats import write_format_1
from tools.simulate.batches import batch_path

DAY = Windows.parse("2026-03-03T00:08Z/2026-03-04T00:08Z")
WINDOW = Windows.parse("2026-03-03T23:53Z")
MONTH = "2026-03"
OF_WINDOW = ("--window", str(WINDOW))
OF_MONTH = ("--month", MONTH, "--reference-time", "2026-03-04T00:08Z")
FOREST = ("--n-estimators", "20", "--max-samples", "64")
BUILT = "built.json"
SETTINGS = """\
horizons: {day: {days: 1, gap_days: 0}}
model_horizon: day
training: {min_coverage: 0.0, promotion: always, min_rows: 20}
"""


@dataclass(frozen=True)
class Step:
    """A command: its name, its arguments, the tables that it replaces, and the files and folders that it makes.

    In the arguments, `{lake}` and `{out}` stand for the lake, and for the folder of the files.
    """

    name: str
    arguments: tuple[str, ...]
    tables: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def line(self, lake: Path, out: Path) -> list[str]:
        """The command line."""
        return command_line(self.name, *(word.format(lake=lake, out=out) for word in self.arguments))


@dataclass(frozen=True)
class World:
    """A folder with logs, project parameters, and a lake for each state."""

    root: Path

    @property
    def steps(self) -> tuple[Step, ...]:
        """The commands that change the lake, in order: the nth takes it from state n to the next."""
        features = ("fg_a", "pair_counts", "fg_c")
        slices = ("sessions_rejected", "sessions", "open_sessions", "log_volume", "delta_pair", "delta_host")
        baselines = ("host", "segment", "ip_metadata", "pair/host", "pair/segment", "publications")
        return (
            self._on_lake("ndr-delta", *OF_WINDOW, "--input", str(self.batch("second")), tables=slices),
            self._on_lake("ndr-fg-a", *OF_WINDOW, tables=("fg_a",)),
            self._on_lake("ndr-pair-counts", *OF_WINDOW, tables=("pair_counts",)),
            self._on_lake("ndr-fg-b", *OF_MONTH, tables=tuple(f"fg_b/{name}" for name in baselines)),
            self._on_lake("ndr-fg-c", *OF_WINDOW, tables=("fg_c",)),
            self._on_lake("ndr-15m", *OF_WINDOW, "--input", str(self.batch("third")), tables=(*slices, *features)),
            self._on_lake("ndr-if-training", "--window", str(DAY), *FOREST),
            self._on_lake("ndr-inference", *OF_WINDOW, tables=("predictions",)),
            self._on_lake("ndr-join", *OF_WINDOW, tables=("prediction_join",)),
        )

    @property
    def migration(self) -> Step:
        """The command that brings a lake of the release before to this release's format."""
        tables = (*MEMBERS, PUBLICATIONS, "predictions", "prediction_join")
        return self._on_lake("ndr-lake", "migrate", tables=tables)

    @property
    def format_1(self) -> Path:
        """State 0 as the release before would have written it."""
        return self.root / "lake-format-1"

    @property
    def migrated(self) -> Path:
        """What the migration makes of that."""
        return self.root / "lake-migrated"

    @property
    def tools(self) -> tuple[Step, ...]:
        """Commands that read the last lake, or none, and make files."""
        logs = self.root / "second"
        manifest = ("--request-id", "one", "--input-prefix", str(logs / "fw_paloalto/acme/hq"), "--source", "listing")
        scenario = ("--overwrite", "--hosts", "10", "--days", "1", "--intensity", "0.1")
        return (
            Step("ndr-parse", (str(logs), "--out", "{out}/sessions.parquet"), outputs=("sessions.parquet",)),
            Step("ndr-parse", (str(logs), "--out", "{out}/sessions.ndjson"), outputs=("sessions.ndjson",)),
            Step("ndr-simulate", ("--out", "{out}/scenario", *scenario), outputs=("scenario",)),
            self._on_lake(
                "ndr-extractor", "--window", str(DAY), *manifest, "--manifest", "{out}/manifest", outputs=("manifest",)
            ),
            Step(
                "ndr-evaluate",
                (
                    "--lake",
                    "{lake}",
                    "--labels",
                    str(self.root / "first/labels.csv"),
                    "--figures-out",
                    "{out}/figures.json",
                ),
                outputs=("figures.json",),
            ),
        )

    def batch(self, scenario: str) -> Path:
        """The folder of the window's batch in one of the scenarios, which have the same hosts and other sessions."""
        return self.root / scenario / batch_path("acme", "hq", round(WINDOW.start.timestamp()))

    def lake(self, state: int) -> Path:
        """The lake after so many of the steps."""
        return self.root / f"lake-{state}"

    def made(self, tool: int) -> Path:
        """The folder with what the nth tool makes, unkilled."""
        return self.root / f"made-{tool}"

    def _on_lake(self, name: str, *arguments: str, tables: tuple[str, ...] = (), outputs: tuple[str, ...] = ()) -> Step:
        common = ("--lake", "{lake}", "--parameters", str(self.root / "parameters.yaml"))
        return Step(name, (*arguments, *common), tables, outputs)

    def history(self) -> tuple[Step, ...]:
        """The commands that build state 0."""
        day = ("--window", str(DAY))
        return (
            self._on_lake("ndr-delta", *day, "--input", str(self.root / "first")),
            self._on_lake("ndr-fg-a", *day),
            self._on_lake("ndr-pair-counts", *day),
            self._on_lake("ndr-fg-b", *OF_MONTH),
            self._on_lake("ndr-fg-c", *day, "--baseline-month", MONTH),
            self._on_lake("ndr-if-training", *day, *FOREST),
            self._on_lake("ndr-inference", *day),
            self._on_lake("ndr-join", *day),
        )


def build(root: Path) -> World:
    """The world in the folder, built unless it is there already."""
    world = World(root)
    if (root / BUILT).is_file():
        return world
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "parameters.yaml").write_text(SETTINGS)
    for seed, scenario in enumerate(("first", "second", "third"), start=1):
        size = ("--hosts", "10", "--days", "1", "--intensity", "0.2", "--seed", str(seed))
        _run(command_line("ndr-simulate", "--out", root / scenario, *size))
    for step in world.history():
        _run(step.line(world.lake(0), root))
    for number, step in enumerate(world.steps):
        _run(step.line(copy(world.lake(number), world.lake(number + 1)), root))
    write_format_1(copy(world.lake(0), world.format_1))
    _run(world.migration.line(copy(world.format_1, world.migrated), root))
    for number, step in enumerate(world.tools):
        world.made(number).mkdir()
        _run(step.line(world.lake(len(world.steps)), world.made(number)))
    (root / BUILT).write_text(json.dumps([step.name for step in world.steps]))
    return world


def copy(lake: Path, to: Path) -> Path:
    """A copy of a lake that shares its files, which no command changes in place."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(lake, to, copy_function=os.link)
    return to


def digests(folder: Path) -> dict[str, str]:
    """The digest of each file in a folder, by its path there, whatever the folder's own path in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes().replace(str(folder).encode(), b"")).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _run(line: list[str]) -> None:
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)}: {done.stderr[-2000:]}")
