"""Reads the pair activity of one window of a lake, as inference does.

python -m bench.pairs --lake LAKE --window 2026-03-10T12:53Z
"""

from __future__ import annotations

import argparse
import json
from time import monotonic

from common.config.project import DEFAULT_INTERNAL_CIDRS
from common.detection.pairs.activity import read_activity
from common.detection.parameters import current_parameters
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--window", required=True, type=Windows.parse)
    given = parser.parse_args()
    began = monotonic()
    rows = sum(
        len(part)
        for part in read_activity(
            Lake(given.lake, load_spec("v1")), given.window, DEFAULT_INTERNAL_CIDRS, current_parameters().pairs
        )
    )
    print(json.dumps({"stage": "pairs", "rows": rows, "steps": {"read": monotonic() - began}}))


if __name__ == "__main__":
    main()
