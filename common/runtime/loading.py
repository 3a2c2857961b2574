"""How a command that reads tables, and computes little, loads its modules."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from common.runtime.output import activity
from common.runtime.plain_arrow import without_pandas


@contextmanager
def loading() -> Iterator[None]:
    """For a block that imports: without pandas, threads of linear algebra, and the seeking of garbage.

    Together they would take a third of a second. What is alive after the block is never looked at for garbage. A
    process that has loaded Arrow stays as it is.
    """
    with activity("loading"):
        if "pyarrow" in sys.modules:
            yield
            return
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        gc.disable()
        try:
            without_pandas()
            yield
        finally:
            gc.freeze()
            gc.enable()
