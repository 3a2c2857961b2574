"""How commands of analysts load their modules."""

from __future__ import annotations

import json
import subprocess
import sys

LOADS = """
import gc, json, sys
from common.runtime.loading import loading
{before}
with loading():
    sought = gc.isenabled()
    import numpy, pyarrow
from threadpoolctl import threadpool_info
threads = max(library["num_threads"] for library in threadpool_info())
print(json.dumps([sought, gc.isenabled(), gc.get_freeze_count() > 0, "pandas" in sys.modules, threads]))
"""


def loaded(before: str = "") -> list[object]:
    command = [sys.executable, "-c", LOADS.format(before=before)]
    found: list[object] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def test_a_command_loads_without_pandas_threads_and_garbage() -> None:
    assert loaded() == [False, True, True, False, 1]


def test_a_process_that_has_loaded_arrow_stays_as_it_is() -> None:
    assert loaded("import pyarrow")[:3] == [True, True, False]
