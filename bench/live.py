"""A live window of a small office, from its logs to publication: in one process, and through the local AWS."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from bench.data import SIMULATION_START, batches
from bench.ingestion import cpu_seconds
from bench.local import local_aws
from bench.measure import Run, fresh_copy, python, run, summary
from bench.orchestration import INGESTION, ORGANISATION, PROJECT, deploy, executed
from bench.stages import Program
from bench.windows import Bench
from common.detection.registry.formats import FORMAT_VERSION
from common.runtime.programs import scripts_folder
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows, iso, parse_moment
from localaws.cli.process import LocalAws

HOUR = 13
"""The hour of the live window on the last simulated day, a Monday with attacks: 4,470 lines; at night there are 720."""
DAY = WINDOWS_PER_DAY * WINDOW


def live(bench: Bench, program: Program) -> dict[str, Any]:
    """The first window that the office's lake does not have; through the local AWS those after it, too."""
    window = window_of(bench)
    given = batches(bench.data.simulation())
    ready = office_lake(bench, program)

    def once() -> Run:
        lake = fresh_copy(ready, bench.work / "lake-live")
        return run(python("bench.one_process", str(window), str(given[window.key]), str(lake)))

    found: dict[str, Any] = {"product": summary(bench.in_turn({"product": once})["product"])}
    later = [Windows(start, start + WINDOW) for start in (window.start + n * WINDOW for n in range(bench.repeats))]
    with tempfile.TemporaryDirectory(dir=bench.work) as home:
        fresh_copy(ready, Path(home) / "lake")
        found["local aws"] = summary(list(_delivered(Path(home), {one: given[one.key] for one in later})))
    lines = sum(gzip.decompress(path.read_bytes()).count(b"\n") for path in given[window.key].glob("*.csv.gz"))
    return found | {"hosts": bench.data.sizes.simulated_hosts, "lines": lines}


def window_of(bench: Bench) -> Windows:
    """The live window, on the last day of the simulation."""
    start = parse_moment(f"{SIMULATION_START}T{HOUR:02}:08Z") + (bench.data.sizes.simulated_days - 1) * DAY
    return Windows(start, start + WINDOW)


def office_lake(bench: Bench, program: Program) -> Path:
    """A lake with all simulated windows before the live one, 30 days of pairs, baselines, and a model."""
    place = bench.data.place(f"office-{bench.data.simulation().name}-{FORMAT_VERSION}")
    if place.exists():
        return place
    lake = place.with_name(f"{place.name}.partial")
    shutil.rmtree(lake, ignore_errors=True)
    live = window_of(bench)
    before = str(Windows(parse_moment(f"{SIMULATION_START}T00:08Z"), live.start))
    named = ("--project-name", PROJECT)
    program.stage("ndr-delta", before, lake, "--input", str(bench.data.simulation()), *named)
    program.stage("ndr-pair-counts", before, lake)
    program.stage("ndr-fg-a", before, lake)
    run(python("bench.office", "history", before, str(lake)))
    program.stage("ndr-fg-c", before, lake)
    run(python("bench.office", "model", before, str(lake)))
    lake.rename(place)
    return place


def _delivered(home: Path, given: dict[Windows, Path]) -> Iterator[Run]:
    """A run of the 15-minute machine for each window, up to its publication; memory is not measured."""
    with local_aws(home, scripts_folder(), wait_scale=0.25) as local:
        deploy(local, "ndr-15m-streaming-fused")
        server = local.pid()
        assert server
        for window, batch in given.items():
            message = _put(local, window, batch)
            began, before = monotonic(), cpu_seconds(server)
            executed(local, message)
            yield Run(monotonic() - began, cpu_seconds(server) - before, 0)


def _put(local: LocalAws, window: Windows, batch: Path) -> dict[str, str]:
    """Puts the files of a batch into the bucket; the message of the machine's execution."""
    bucket, folder = INGESTION, f"{ORGANISATION}/{window.end:%Y/%m/%d}/{batch.name}"
    for path in batch.iterdir():
        local.client("s3").put_object(Bucket=bucket, Key=f"{folder}/{path.name}", Body=path.read_bytes())
    return {"batch_s3_path": f"s3://{bucket}/{folder}/", "timestamp": iso(window.end).replace("Z", ":05Z")}
