"""A window from its logs to publication in one process: `python -m bench.one_process WINDOW INPUT LAKE`."""

from __future__ import annotations

import sys

from common.runtime.allocators import give_back

BATCH = "bench"


def main(window: str, given: str, lake: str) -> None:
    """Runs the stages with the allocators of a command."""
    give_back()
    from jobs.join.cli import main as join
    from jobs.streaming_15m.cli import main as stages

    where = ("--window", window, "--lake", lake)
    stages([*where, "--input", given, "--through", "join", "--mini-batch-id", BATCH], standalone_mode=False)
    join([*where, "--staged", BATCH], standalone_mode=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
