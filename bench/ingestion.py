"""Ingestion on the local AWS: files a second, what a file costs as the table fills, and memory of the server.

    python -m bench.ingestion [--files N] [--rounds N] [--records N] [--json FILE]

The files, all of one date, come in rounds: once those of a round are Parquet, the next begins. Processor time is that
of the server, the manifest builders and the runs of the job together; it depends less on other programs than time does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.local import local_aws, run
from common.ingestion.keys import FILE_SHARDS, MANIFEST_SHARD, orders_of
from common.runtime.programs import scripts_folder
from localaws.cli.process import LocalAws
from tools.ingestion.stack import Ingestion

DATE = "2026-03-10"
FILES_A_MANIFEST = 200
CLIENTS = 4
LOOK_SECONDS = 0.5
WARM_UP = 20
"""Files before the first round, for which builders start."""

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """Some files, from the first that is put to the last that is Parquet."""

    files: int
    seconds: float
    cpu_seconds: float


def put(local: LocalAws, ingestion: Ingestion, numbers: Sequence[int], records: int) -> None:
    """Puts files with records of their own into the landing bucket."""
    s3, bucket = local.client("s3"), ingestion.outputs["LandingBucketName"]

    def one(number: int) -> None:
        lines = (json.dumps({"id": f"{number}/{record}", "amount": 1.5}) for record in range(records))
        s3.put_object(Bucket=bucket, Key=f"{number:06}-{DATE}.ndjson", Body="\n".join(lines).encode())

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, numbers))


def is_pending(ingestion: Ingestion, *shards: str) -> bool:
    """Whether something of these partitions of the index is not done yet."""
    return any(ingestion.table.pending(shard, orders_of(DATE), most=1) for shard in shards)


def finish(ingestion: Ingestion) -> None:
    """Waits until all files that were put are Parquet; those that are too few for a manifest get one."""
    while ingestion.messages("IngestionQueueUrl") or is_pending(ingestion, *FILE_SHARDS, MANIFEST_SHARD):
        if not ingestion.messages("IngestionQueueUrl") and not is_pending(ingestion, MANIFEST_SHARD):
            ingestion.sweep(flush=True)
        time.sleep(LOOK_SECONDS)


def measured(work: Callable[[], None], server: int, files: int) -> Round:
    """A round of the work, and what it cost."""
    began, before = time.monotonic(), cpu_seconds(server)
    work()
    return Round(files, time.monotonic() - began, cpu_seconds(server) - before)


def cpu_seconds(server: int) -> float:
    """Processor seconds of a process and all its descendants, those that have ended included."""
    spent: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            values = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        spent[int(folder.name)] = sum(map(int, values[11:15])) / TICKS
        children.setdefault(int(values[1]), []).append(int(folder.name))

    def total(pid: int) -> float:
        return spent[pid] + sum(map(total, children.get(pid, [])))

    return total(server)


def peak_mib(server: int) -> float:
    """The greatest memory that the server itself has had."""
    lines = Path(f"/proc/{server}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def figures(rounds: Sequence[Round]) -> dict[str, Any]:
    """Files a second, processor milliseconds a file, and by how much these grow with 1,000 files more in the table."""
    files, seconds = sum(one.files for one in rounds), sum(one.seconds for one in rounds)
    costs = [1000 * one.cpu_seconds / one.files for one in rounds]
    before = [sum(one.files for one in rounds[:number]) / 1000 for number in range(len(rounds))]
    return {
        "files": files,
        "seconds": round(seconds, 1),
        "files_a_second": round(files / seconds, 2),
        "cpu_ms_a_file": [round(cost, 1) for cost in costs],
        "seconds_a_round": [round(one.seconds, 1) for one in rounds],
        "growth_ms_a_thousand": round(statistics.linear_regression(before, costs).slope, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="number of files")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds in which they come, at least 2")
    parser.add_argument("--records", type=int, default=10, help="records of a file")
    parser.add_argument("--json", type=Path, help="file to write the figures to, too")
    given = parser.parse_args()
    size = given.files // given.rounds
    with (
        tempfile.TemporaryDirectory() as folder,
        local_aws(Path(folder), scripts_folder(), wait_scale=0.25) as local,
    ):
        settings = {"MaxFilesPerManifest": FILES_A_MANIFEST, "MinFilesForPartialBatch": FILES_A_MANIFEST}
        words = (word for name, value in settings.items() for word in ("--set", f"{name}={value}"))
        run(local, "ndr-statemachines", "deploy", "--outputs", f"{folder}/outputs.json", *words)
        os.environ.update(local.environment)
        ingestion, server = Ingestion("ndr-ingestion"), local.pid()
        assert server

        def work(numbers: Sequence[int]) -> None:
            put(local, ingestion, numbers, given.records)
            finish(ingestion)

        work(range(WARM_UP))
        count = WARM_UP + size * given.rounds
        parts = [range(first, first + size) for first in range(WARM_UP, count, size)]
        rounds = [measured(partial(work, numbers), server, size) for numbers in parts]
        states = [item["status"] for item in ingestion.table.of_date(DATE) if item["kind"] == "file"]
        if states != ["completed"] * count:
            raise SystemExit(f"of {count} files, {states.count('completed')} are completed")
        found = figures(rounds) | {"server_mib": round(peak_mib(server)), "load": os.getloadavg()[0]}
    print(json.dumps(found, indent=2))
    if given.json:
        given.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
