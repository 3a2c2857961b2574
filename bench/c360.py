"""Time and memory of Customer 360: the two jobs compared with DuckDB, and the warehouse's run of the day.

    python -m bench.c360 [--customers N] [--events N] [--repeats N] [--check] [--json FILE]

The archive of a day is cleaned and staged, each by its command in a process of its own, and by `bench.c360_reference`
in another, in turns, which spreads the load of other programs evenly; the medians count. The seconds of the job are the
sum of both processes, its memory is the greater one. The snapshot is then loaded once into an empty warehouse.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench.c360_data import DAY, write_day
from bench.c360_reference import NOT_MADE
from bench.measure import GIB, Run, median, python, run, summary
from common.c360.datasets import DATASETS, STAGING
from common.c360.manifest import NAME, read_manifest
from common.c360.partitions import read_partition
from common.runtime.programs import scripts_folder
from common.storage.files import Folder


@dataclass(frozen=True)
class Zones:
    """The folders of a benchmark."""

    folder: Path

    def job(self) -> tuple[Run, Run]:
        """Cleans and stages the day, from nothing."""
        for zone in ("clean", "staging"):
            shutil.rmtree(self.folder / zone, ignore_errors=True)
        cleaned = self._command("c360-clean", "archive", "clean", "--load-date", str(DAY))
        return cleaned, self._command("c360-staging", "clean", "staging", "--as-of", str(DAY))

    def reference(self) -> Run:
        """Makes the same tables with DuckDB."""
        shutil.rmtree(self.folder / "reference", ignore_errors=True)
        where = ("--archive", str(self.folder / "archive"), "--out", str(self.folder / "reference"))
        return run(python("bench.c360_reference", *where, "--day", str(DAY)))

    def load(self) -> Run:
        """Loads the snapshot into an empty warehouse."""
        where = ("--staging", str(self.folder / "staging"), "--database", str(self.folder / "warehouse"))
        return run([str(scripts_folder() / "c360-warehouse"), "run", *where])

    def check(self) -> None:
        """Compares the tables of the last turn row by row, which is feasible only at small sizes.

        Raises:
            SystemExit: two tables are not the same.
        """
        clean, staging = (Folder(str(self.folder / zone)) for zone in ("clean", "staging"))
        for name, dataset in DATASETS.items():
            partition = read_partition(clean, name, DAY)
            columns = [column for column in dataset.arrow.names if column not in NOT_MADE]
            self._compare("clean", name, columns, partition.names if partition else ())
        tables = read_manifest(staging.read(NAME), staging.uri).tables
        for name, declared in STAGING.items():
            files = [file.name for file in tables[name].files]
            self._compare("staging", name, [column.name for column in declared], files)

    def _command(self, name: str, source: str, target: str, *more: str) -> Run:
        places = (f"--{source}", str(self.folder / source), f"--{target}", str(self.folder / target))
        return run([str(scripts_folder() / name), *places, *more])

    def _compare(self, zone: str, table: str, columns: list[str], names: Any) -> None:
        files = [str(self.folder / zone / name) for name in names]
        ours = f"SELECT {', '.join(columns)} FROM read_parquet({files})"
        theirs = f"SELECT {', '.join(columns)} FROM '{self.folder}/reference/{zone}/{table}.parquet'"
        with duckdb.connect() as database:
            for some, others in ((ours, theirs), (theirs, ours)):
                rows = database.execute(f"{some} EXCEPT ALL {others} LIMIT 3").fetchall()
                if rows:
                    raise SystemExit(f"{zone}/{table}: not in both, as {', '.join(columns)}: {rows}")


def turn(zones: Zones) -> dict[str, Run]:
    """One run of each: the jobs, both together (`job`), and DuckDB."""
    cleaned, staged = zones.job()
    runs = {"clean": cleaned, "staging": staged, "job": Run.joined([cleaned, staged]), "duckdb": zones.reference()}
    for name, one in runs.items():
        figures = f"{one.seconds:.1f} s, {one.cpu_seconds:.1f} processor s, {one.peak_bytes / GIB:.2f} GiB"
        print(f"{name}: {figures}", flush=True)
    return runs


def measure(zones: Zones, repeats: int) -> dict[str, Any]:
    """The figures of each, the medians of the ratios to DuckDB, and the figures of the warehouse."""
    turns = [turn(zones) for _ in range(repeats)]
    return {
        **{name: summary([runs[name] for runs in turns]) for name in turns[0]},
        "to_duckdb": median(runs["job"].seconds / runs["duckdb"].seconds for runs in turns),
        "cpu_to_duckdb": median(runs["job"].cpu_seconds / runs["duckdb"].cpu_seconds for runs in turns),
        "warehouse": summary([zones.load()]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000, help="number of customers (default: 1000000)")
    parser.add_argument("--events", type=int, default=10_000_000, help="number of events (default: 10000000)")
    parser.add_argument("--repeats", type=int, default=3, help="number of turns (default: 3)")
    parser.add_argument("--check", action="store_true", help="compare the tables row by row (small sizes only)")
    parser.add_argument("--folder", type=Path, help="where to work (default: the temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a JSON file, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        zones = Zones(Path(name))
        write_day(zones.folder / "archive", given.customers, given.events)
        found = {"customers": given.customers, "events": given.events, **measure(zones, given.repeats)}
        if given.check:
            zones.check()
    print(json.dumps(found))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
