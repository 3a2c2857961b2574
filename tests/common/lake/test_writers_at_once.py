"""Drivers of all engines, and one without an engine, write a table in S3 at once: no commit is lost."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

import pytest

from common.lake.lake import Lake
from common.windows import WINDOW, Windows, floor_to_grid
from tests.checkout import ROOT
from tests.conftest import ENGINE
from tests.factories import SPEC, pair_counts_row, pair_counts_table
from tests.localaws.forwarding import forward, name_of
from tests.localaws.running import Started, lead_to

pytestmark = [pytest.mark.parity, pytest.mark.slow]

DRIVERS = os.environ.get("NDR_TEST_DRIVERS", {"sail": "sail sail", "spark": "spark spark sail"}[ENGINE]).split()
"""The engine of each driver."""
COMMITS = int(os.environ.get("NDR_TEST_COMMITS", "2"))
"""Of each driver."""
PYTHONS = {"sail": ROOT / ".venv/bin/python", "spark": ROOT / ".venv-spark/bin/python"}
SMALL = {
    "NDR_SPARK_MASTER": "local[1]",
    "NDR_SPARK_CONF": "spark.driver.memory=512m;spark.sql.shuffle.partitions=1",
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
BUCKET = "writers"
COMMIT = re.compile(rb"PUT /writers/lake/pair_counts/_delta_log/")
SECONDS = 20.0
"""The longest wait of drivers for each other."""
Driver = subprocess.Popen[str]


class Meeting:
    """Lets three drivers, or all if there are fewer, meet once on the way to the store, each with a commit.

    A driver that looks whether a version is there, and then puts it, has looked: it would overwrite that of another.
    """

    def __init__(self) -> None:
        self.is_due = threading.Event()
        self._barrier = threading.Barrier(min(len(DRIVERS), 3), self.is_due.clear, SECONDS)

    def look(self, block: bytes) -> None:
        """Waits for the other drivers, if this is a commit."""
        if self.is_due.is_set() and COMMIT.match(block):
            with suppress(threading.BrokenBarrierError):  # the test will say that they have not met
                self._barrier.wait()


def windows_of(number: int) -> Windows:
    """Those of a driver: of a day of its own."""
    start = floor_to_grid(datetime(2026, 3, 10, 12, tzinfo=UTC) + timedelta(days=number))
    return Windows(start, start + COMMITS * WINDOW)


def started(engine: str, windows: Windows, lake_uri: str, endpoint: str, ended: ExitStack) -> Driver:
    """A driver that is ready; one after the other, as classic Spark brings its jars at its first start."""
    command = [str(PYTHONS[engine]), "-m", "tests.common.lake.writer", engine, lake_uri, str(windows)]
    environment, pipe = os.environ | SMALL | {"AWS_ENDPOINT_URL": f"http://{endpoint}"}, subprocess.PIPE
    driver = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
    ended.enter_context(driver)
    ended.callback(driver.kill)
    assert driver.stdout is not None and driver.stdout.readline() == "ready\n"
    return driver


def written(lake: Lake, window: Windows) -> int:
    """The version of a commit without an engine."""
    row = pair_counts_table(SPEC, pair_counts_row(str(window)))
    return lake.rewrite("pair_counts", {"window": [window.key]}, lambda _: row)


def test_no_commit_is_lost(start_local_aws: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as ended:
        endpoint = name_of(server)
        local = start_local_aws(NDR_LOCAL_HOSTS=endpoint)
        lead_to(local, monkeypatch)
        meeting = Meeting()
        forward(server, local.port, meeting.look)
        local.client("s3").create_bucket(Bucket=BUCKET)
        lake = Lake(f"s3://{BUCKET}/lake", SPEC)
        lake.ensure("pair_counts")
        *parts, own = (windows_of(number) for number in range(len(DRIVERS) + 1))
        drivers = [
            started(engine, windows, lake.uri, endpoint, ended) for engine, windows in zip(DRIVERS, parts, strict=True)
        ]
        meeting.is_due.set()
        for driver in drivers:
            assert driver.stdin is not None
            driver.stdin.write("go\n")
            driver.stdin.flush()
        versions = [written(lake, window) for window in own]
        for driver in drivers:
            versions += json.loads(driver.communicate()[0])
    expected = [window.key for part in (*parts, own) for window in part]
    assert not meeting.is_due.is_set(), "the drivers have not met"
    assert sorted(lake.arrow("pair_counts", ["window"])["window"].to_pylist()) == sorted(expected)
    assert sorted(versions) == list(range(1, len(expected) + 1))
