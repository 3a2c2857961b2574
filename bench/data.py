"""The inputs of the benchmarks, each generated once and kept in one folder.

python -m bench.data window --hosts 5000 --sessions 10000000 ... --out FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

from bench.measure import fresh_copy, python, run
from common.detection.registry.formats import FORMAT_VERSION
from common.windows import WINDOW as STEP
from common.windows import Windows

WINDOW = "2026-03-10T13:08Z"
DAY = "2026-03-10T13:08Z/2026-03-11T13:08Z"
COMMITS = (0, 500, 5_000, 35_000)
"""Commits of the lakes to compare; with less than a hundred, there is less to look back on. 35,000 take a year."""
FORM = 5
"""The form of the inputs: another number after a change of what makes them, so that kept ones are not used."""
LINE_HEAD = 64
SIMULATION_START = "2026-03-03"


def _size(default: int, what: str) -> int:
    """The field of a size, with what it counts."""
    found: int = field(default=default, metadata={"help": f"number of {what}"})
    return found


@dataclass(frozen=True)
class Sizes:
    """The sizes of the inputs."""

    hosts: int = _size(5000, "internal hosts")
    sessions: int = _size(10_000_000, "sessions in the window")
    slice_rows: int = _size(250_000, "pair rows in each earlier slice")
    day_rows: int = _size(400_000, "pair rows in each day of history")
    days: int = _size(30, "days of pair history")
    simulated_hosts: int = _size(60, "hosts of the simulated office")
    simulated_days: int = _size(7, "days of the simulated office, at least 2")


@dataclass(frozen=True)
class Data:
    """The inputs below a folder; each is generated on first use."""

    folder: Path
    sizes: Sizes

    def sessions(self, n: int | None = None) -> Path:
        """Canonical sessions of the window."""
        number = n or self.sizes.sessions
        return self._made(f"sessions-{self.sizes.hosts}-{number}", "sessions", "--sessions", str(number))

    def lines(self, form: str, n: int | None = None) -> Path:
        """The same sessions as log lines: `csv` of PAN-OS, or `json` documents of ECS."""
        sessions = self.sessions(n)
        return self._made(f"lines-{form}-{sessions.stem}", "lines", "--input", str(sessions), "--form", form)

    def day(self, n: int) -> Path:
        """Canonical sessions of a day, n in each window."""
        return self._made(f"day-{self.sizes.hosts}-{n}", "day", "--sessions", str(n))

    def history(self, days: int | None = None) -> Path:
        """A lake with the history before the window."""
        sizes = self.sizes
        number = days or sizes.days
        name = f"history-{sizes.hosts}-{sizes.slice_rows}-{sizes.day_rows}-{number}"
        return self._made(name, "history", "--days", str(number))

    def baselines(self, lake: Path) -> Path:
        """A lake with baselines of the hosts that fit `fg_a` and `pair_counts` of the given lake."""
        return self._made(f"baselines-{self.history().stem}", "baselines", "--input", str(lake))

    def ready(self, lake: Callable[[], Path]) -> Path:
        """A lake with the history, with baselines, and with a model trained on the lake that is given."""
        place = self.place(f"ready-{self.history().stem}-{FORMAT_VERSION}")
        if not place.exists():
            scored = lake()
            partial = fresh_copy(self.history(), place.with_name(f"{place.name}.partial"))
            shutil.copytree(scored / "fg_b", partial / "fg_b")
            run(python("bench.data", "model", "--input", str(scored), "--out", str(partial)))
            partial.rename(place)
        return place

    def simulation(self) -> Path:
        """The logs of a simulated office."""
        hosts, days = self.sizes.simulated_hosts, self.sizes.simulated_days
        folder = self.folder / (f"simulated-{hosts}" if days == 7 else f"simulated-{hosts}-{days}")
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            size = ("--start", SIMULATION_START, "--hosts", str(hosts), "--days", str(days))
            run([*python("tools.simulate.cli"), "--out", str(partial), *size, "--overwrite"])
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

    def place(self, name: str) -> Path:
        """The folder of an input that is kept."""
        return self.folder / f"{name}.{FORM}"

    def _made(self, name: str, what: str, *more: str) -> Path:
        folder = self.place(name)
        if not folder.exists():
            sizes = [word for one in fields(Sizes) for word in (_flag(one.name), str(getattr(self.sizes, one.name)))]
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            run(python("bench.data", what, *sizes, *more, "--out", str(partial)))
            partial.rename(folder)
        return folder


def batches(logs: Path) -> dict[str, Path]:
    """The folder of each window's batch below simulated logs, by window key."""
    found = {}
    for batch in logs.rglob("_BATCH.json"):
        end = Windows.parse(json.loads(batch.read_text())["event_ts_iso"][:16] + "Z")
        found[Windows(end.start - STEP, end.start).key] = batch.parent
    return found


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def make(what: str, sizes: Sizes, out: Path, source: Path | None, form: str) -> None:
    """Generates one input; imports late to keep the measuring process small."""
    from bench.baselines import write_baselines
    from bench.history import write_history
    from bench.lines import write_lines
    from bench.model import write_model
    from bench.sessions import SLICES_BEFORE, write_sessions
    from bench.workload import Network
    from common.features.spec import load_spec
    from common.lake.identity import LakeIdentity
    from common.lake.lake import Lake
    from common.lake.lake_format import create_record

    spec, network, window = load_spec("v1"), Network(sizes.hosts), Windows.parse(WINDOW)
    if what != "model":
        out.mkdir(parents=True)
    if what in ("history", "baselines"):
        create_record(str(out), LakeIdentity())
    lake, other = Lake(str(out), spec), Lake(str(source), spec)
    if what in ("sessions", "day"):
        write_sessions(out, network, window if what == "sessions" else Windows.parse(DAY), sizes.sessions)
    elif what == "lines":
        assert source
        write_lines(source, out, form)
    elif what == "history":
        write_history(lake, spec, network, window, sizes.slice_rows, sizes.day_rows, sizes.days)
    elif what == "baselines":
        write_baselines(lake, spec, other, window)
    else:
        write_model(lake, other, window, window.extended(SLICES_BEFORE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sessions", "day", "lines", "history", "baselines", "model"))
    for one in fields(Sizes):
        parser.add_argument(_flag(one.name), type=int, default=one.default, help=one.metadata["help"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--input", type=Path, help="for lines: the sessions; for baselines and model: their lake")
    parser.add_argument("--form", default="csv", help="for lines: csv or json")
    given = vars(parser.parse_args())
    sizes = Sizes(**{one.name: given[one.name] for one in fields(Sizes)})
    make(given["what"], sizes, given["out"], given["input"], given["form"])


if __name__ == "__main__":
    main()
