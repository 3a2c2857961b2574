"""The chain of the benchmark at a small size."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pytest

from bench.chain import published, ready_lake
from bench.data import WINDOW, Data, Sizes
from bench.measure import fresh_copy
from bench.stages import Program
from bench.windows import Bench
from common.features.spec import load_spec
from common.lake.reader import LakeReader
from common.windows import Windows

SIZES = Sizes(hosts=60, sessions=2_000, slice_rows=200, day_rows=300)


@pytest.mark.slow
@pytest.mark.long
def test_a_window_goes_from_lines_to_publication(tmp_path: Path) -> None:
    bench = Bench(Data(tmp_path / "data", SIZES), tmp_path / "work", repeats=1)
    for folder in (bench.data.folder, bench.work):
        folder.mkdir()
    program = Program.of_this_python()
    lake = fresh_copy(ready_lake(bench, program), bench.work / "lake")
    found = published(program, WINDOW, lake, bench.data.lines("csv"))
    assert {"ndr-delta parse", "ndr-inference score", "ndr-join prediction_join"} <= found.steps.keys()
    assert found.seconds > 0 and found.cpu_seconds > 0 and found.peak_bytes > 0
    rows = LakeReader(str(lake), load_spec("v1")).arrow("prediction_join", windows=Windows.parse(WINDOW))
    assert len(rows) == SIZES.hosts
    assert pc.count(rows["anomaly_score"]).as_py() == SIZES.hosts
