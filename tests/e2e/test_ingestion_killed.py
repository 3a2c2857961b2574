"""Many files, each announced three times, with a builder and a run of the job killed: each record once, none waiting.

`make ingestion` runs it, with 2,000 files.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from tests.e2e.ingestion import RECORDS, Deployed, deploy, lines
from tests.localaws.running import wait_for

FILES = int(os.environ.get("NDR_INGESTION_FILES", "0"))
SETTINGS = {
    "MinFilesForPartialBatch": "200",
    "MaxConcurrentBuilders": "8",
    "ReservedBuilders": "9",
    "BuilderTimeoutSeconds": "30",
    "VisibilitySeconds": "40",
}
DATE = "2026-03-10"
LOOK = 1.0
"""Seconds between two looks at the status, each of which reads the whole table."""

pytestmark = pytest.mark.skipif(not FILES, reason="make ingestion runs it")


def descendants(local: LocalAws, word: str) -> list[int]:
    """The processes of the local AWS whose command line has the word."""
    found, server = [], local.pid()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == server and word in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended
    return found


def kill(local: LocalAws, word: str) -> None:
    pids = wait_for(lambda: descendants(local, word), 300)
    os.kill(pids[0], signal.SIGKILL)


def completed(deployed: Deployed) -> bool:
    """Whether all files are completed; what failed with its run is reprocessed, and what is left is flushed."""
    status = deployed.status()
    if status["manifests"]["failed"]:
        deployed.tool("reprocess", "--all")
    if status["queue"] == 0 and status["files"]["pending"]:
        deployed.tool("flush")
    return bool(status["files"]["completed"] == FILES)


def test_every_record_is_there_once_whatever_is_killed(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path
) -> None:
    deployed = deploy(start_local_aws, tmp_path, SETTINGS)
    keys = [f"{number:05}-{DATE}.ndjson" for number in range(FILES)]
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(deployed.put, key, lines(key), announced=3) for key in keys]
        wait_for(lambda: sum(deployed.status()["files"].values()) > FILES // 10, 300, LOOK)
        kill(deployed.local, "awslambdaric")
        kill(deployed.local, "ndr-ndjson-to-parquet")
        for one in done:
            one.result()
    wait_for(lambda: completed(deployed), 1200, LOOK)
    status = deployed.settled(completed=FILES)
    assert {state: n for state, n in status["files"].items() if n} == {"completed": FILES}
    assert {state for state, n in status["manifests"].items() if n} == {"completed"}
    assert (status["oldest_pending_seconds"], status["dead_letters"], status["late"]) == (None, 0, [])
    found = Counter(row["id"] for row in deployed.rows(f"merged-parquet-{DATE}/"))
    assert found == Counter(f"{key}/{number}" for key in keys for number in range(RECORDS))
