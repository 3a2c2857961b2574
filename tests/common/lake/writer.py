"""A driver that writes windows of `pair_counts` to a lake in S3, a row and a commit each, beside other drivers.

`python -m tests.common.lake.writer ENGINE LAKE WINDOWS` writes the first one, says `ready`, waits for a line, writes
the others, and prints the versions.
"""

from __future__ import annotations

import json
import sys

from common.lake.lake import Lake
from common.runtime.engine import Engine, open_engine
from common.windows import Windows
from tests.factories import SPEC, pair_counts_row, pair_counts_table


def main(engine: str, lake_uri: str, windows: str) -> None:
    """Replaces one window after the other."""
    with open_engine(engine, remote_storage=True) as session:
        lake = Lake(lake_uri, SPEC, Engine(engine, session=session))
        rows = {window: pair_counts_table(SPEC, pair_counts_row(str(window))) for window in Windows.parse(windows)}
        frames = {window: session.createDataFrame(row) for window, row in rows.items()}
        versions = []
        for number, (window, frame) in enumerate(frames.items()):
            versions.append(lake.replace("pair_counts", frame, window)[0])
            if number == 0:
                print("ready", flush=True)
                sys.stdin.readline()
        print(json.dumps(versions))


if __name__ == "__main__":
    main(*sys.argv[1:])
