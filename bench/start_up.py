"""Starts and stops an engine without any work: `python -m bench.start_up sail`."""

from __future__ import annotations

import sys

from common.runtime.engine import open_engine

if __name__ == "__main__":
    with open_engine(sys.argv[1]) as session:
        session.range(1).collect()
