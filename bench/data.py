"""The inputs of the benchmarks, each generated once and kept in one folder.

python -m bench.data window --hosts 5000 --sessions 10000000 ... --out FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import shutil
from dataclasses import dataclass, fields
from pathlib import Path

from bench.measure import python, run
from common.windows import Windows

WINDOW = "2026-03-10T13:08Z"
SIMULATION_DAYS = 7
LINE_HEAD = 64
SIMULATION_START = "2026-03-03"


@dataclass(frozen=True)
class Sizes:
    """The sizes of the inputs."""

    hosts: int = 5000
    sessions: int = 10_000_000
    slice_rows: int = 250_000
    day_rows: int = 400_000
    days: int = 30
    simulated_hosts: int = 60


@dataclass(frozen=True)
class Data:
    """The inputs below a folder; each is generated on first use."""

    folder: Path
    sizes: Sizes

    def sessions(self, n: int | None = None) -> Path:
        """Canonical sessions of the window."""
        number = n or self.sizes.sessions
        return self._made(f"sessions-{self.sizes.hosts}-{number}", "sessions", "--sessions", str(number))

    def history(self) -> Path:
        """A lake with the history before the window."""
        sizes = self.sizes
        name = f"history-{sizes.hosts}-{sizes.slice_rows}-{sizes.day_rows}-{sizes.days}"
        return self._made(name, "history")

    def baselines(self, lake: Path) -> Path:
        """A lake with baselines of the hosts that fit `fg_a` and `pair_counts` of the given lake."""
        return self._made(f"baselines-{self.sizes.hosts}", "baselines", "--lake", str(lake))

    def simulation(self) -> Path:
        """The logs of a simulated office."""
        folder = self.folder / f"simulated-{self.sizes.simulated_hosts}"
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            size = ("--hosts", str(self.sizes.simulated_hosts), "--days", str(SIMULATION_DAYS))
            run(
                [
                    *python("tools.simulate.cli"),
                    "--out",
                    str(partial),
                    "--start",
                    SIMULATION_START,
                    *size,
                    "--overwrite",
                ]
            )
            partial.rename(folder)
        return folder

    def plain_logs(self) -> Path:
        """The TRAFFIC logs of the simulated office as one file of plain text."""
        file = self.folder / f"simulated-{self.sizes.simulated_hosts}.csv"
        if not file.exists():
            logs = sorted(self.simulation().rglob("part-*.csv.gz"))
            partial = file.with_suffix(".csv.partial")
            with partial.open("wb") as out:
                for path in logs:
                    with gzip.open(path) as log:
                        out.writelines(line for line in log if b",TRAFFIC," in line[:LINE_HEAD])
            partial.rename(file)
        return file

    def _made(self, name: str, what: str, *more: str) -> Path:
        folder = self.folder / name
        if not folder.exists():
            sizes = [word for one in fields(Sizes) for word in (_flag(one.name), str(getattr(self.sizes, one.name)))]
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            run(python("bench.data", what, *sizes, *more, "--out", str(partial)))
            partial.rename(folder)
        return folder


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def make(what: str, sizes: Sizes, out: Path, lake: str | None) -> None:
    """Generates one input; imports late to keep the measuring process small."""
    from bench.baselines import write_baselines
    from bench.history import write_history
    from bench.sessions import write_sessions
    from bench.workload import Network
    from common.features.spec import load_spec
    from common.lake.identity import LakeIdentity
    from common.lake.lake import Lake
    from common.lake.lake_format import create_record

    spec, network, window = load_spec("v1"), Network(sizes.hosts), Windows.parse(WINDOW)
    out.mkdir(parents=True)
    if what != "sessions":
        create_record(str(out), LakeIdentity())
    if what == "sessions":
        write_sessions(out, network, window, sizes.sessions)
    elif what == "history":
        write_history(Lake(str(out), spec), spec, network, window, sizes.slice_rows, sizes.day_rows, sizes.days)
    else:
        write_baselines(Lake(str(out), spec), spec, Lake(str(lake), spec), window)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sessions", "history", "baselines"))
    for one in fields(Sizes):
        parser.add_argument(_flag(one.name), type=int, default=one.default)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lake", help="for baselines: the lake they must fit")
    given = vars(parser.parse_args())
    sizes = Sizes(**{one.name: given[one.name] for one in fields(Sizes)})
    make(given["what"], sizes, given["out"], given["lake"])


if __name__ == "__main__":
    main()
