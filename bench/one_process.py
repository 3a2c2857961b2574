"""A window from its logs to publication in one process: `python -m bench.one_process WINDOW INPUT LAKE`."""

from __future__ import annotations

import sys

from jobs.join.cli import main as join
from jobs.streaming_15m.cli import main as stages

BATCH = "bench"

if __name__ == "__main__":
    window, given, lake = sys.argv[1:]
    where = ("--window", window, "--lake", lake)
    stages([*where, "--input", given, "--through", "join", "--mini-batch-id", BATCH], standalone_mode=False)
    join([*where, "--staged", BATCH], standalone_mode=False)
