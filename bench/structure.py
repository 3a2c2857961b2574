"""What a reader meets: the modules behind each stage, the way of a pair, the longest line of a state machine.

    python -m bench.structure

Prints a JSON object:

- `modules_reached`: for each stage how many modules of the project its command line reaches by imports;
- `pair`: what runs while the pairs of one window are read, scored and explained on a small lake: distinct `functions`
  and `modules`, and `stays`, the runs of functions of one module in the order in which they are first entered;
- `longest_line`: the longest line of the sources of the state machines, and the file that it is in.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import grimp
import numpy as np
import pyarrow as pa

from common.detection.members.member import FitSettings, ForestParameters, Samples
from common.detection.members.pairs import PairsMember, pair_samples
from common.detection.members.spread import SpreadMember
from common.detection.pairs.activity import read_activity
from common.detection.parameters import current_parameters
from common.lake.lake import Lake
from common.runtime.catalog import STAGES
from common.windows import WINDOW, Windows
from jobs.if_training.growing import grow
from tests.common.detection.pairs.pair_tables import CIDRS, slice_row, write_pairs
from tests.factories import SPEC

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("common", "jobs")
NOW = datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
HOSTS = [f"10.0.0.{number}" for number in range(1, 9)]


def modules_reached() -> dict[str, int]:
    """How many modules of the project the command line of each stage reaches by imports."""
    graph = grimp.build_graph(*PACKAGES)
    return {stage.command: len(graph.find_upstream_modules(f"{stage.module}.cli")) for stage in STAGES}


def pair_lake(folder: Path) -> Lake:
    """Three days in which every host meets one of three peers an hour, and a window in which one host meets another."""
    slices = [
        slice_row(NOW - hours * 4 * WINDOW, host_ip=host, peer_ip=f"198.51.100.{(place + hours) % 3 + 1}")
        for place, host in enumerate(HOSTS)
        for hours in range(72)
    ]
    slices.append(slice_row(NOW, host_ip=HOSTS[0], peer_ip="203.0.113.9", peer_port=6000, failed_cnt=1))
    return Lake(str(write_pairs(folder, slices)), SPEC)


def run_pairs(folder: Path) -> Callable[[], None]:
    """What reads, scores and explains the pairs of the window, with members that were fitted on the days before."""
    parameters = current_parameters()
    lake, settings = pair_lake(folder), FitSettings(parameters, SPEC, ForestParameters(1, 1, 1), grow)
    training = list(read_activity(lake, Windows(NOW - timedelta(days=2), NOW), CIDRS, parameters.pairs))
    samples = pair_samples(pa.concat_tables(training).combine_chunks(), parameters.pairs)
    pairs, spread = PairsMember.fit(samples, settings)[0], SpreadMember.fit(samples, settings)[0]
    window = Windows(NOW, NOW + WINDOW)
    keys = pa.table({"host_ip": HOSTS, "window_start_ts": pa.array([NOW] * len(HOSTS), pa.timestamp("us", "UTC"))})

    def score() -> None:
        parts = list(read_activity(lake, window, CIDRS, parameters.pairs))
        samples = Samples(keys, np.zeros((len(HOSTS), 0), np.float32), pa.concat_tables(parts).combine_chunks())
        for explanation in [member.explain(samples) for member in (pairs, spread)]:
            explanation.reasons(1.0)

    return score


def functions_entered(work: Callable[[], None]) -> list[tuple[str, str]]:
    """The project's functions that run, as module and name, in the order in which they are first entered."""
    entered: dict[tuple[str, str], None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES:
            name = frame.f_code.co_qualname.partition(".<locals>")[0]
            if not name.startswith("<"):
                entered.setdefault((str(path.relative_to(ROOT)), name))

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return list(entered)


def way(entered: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The figures of the functions entered, and the modules in the order of the stays."""
    stays = [module for module, _ in groupby(module for module, _ in entered)]
    return {"functions": len(entered), "modules": len(set(stays)), "stays": len(stays), "order": stays}


def longest_line() -> dict[str, Any]:
    """The longest line of the state machines' sources: in YAML, or the definitions where there is none."""
    folder = ROOT / "statemachines"
    sources = sorted((folder / "sources").rglob("*.yaml")) or sorted(folder.glob("*.asl.json"))
    length, source = max((max(map(len, path.read_text().splitlines())), path) for path in sources)
    return {"characters": length, "file": str(source.relative_to(ROOT))}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pair = way(functions_entered(run_pairs(Path(folder))))
    print(json.dumps({"modules_reached": modules_reached(), "pair": pair, "longest_line": longest_line()}, indent=1))


if __name__ == "__main__":
    main()
