"""Arrow without pandas, for commands that read tables and need no frames of it."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


class _WithoutPandas(MetaPathFinder):
    """Finds no pandas, though it is installed."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("this command does without pandas")


def without_pandas() -> None:
    """Lets pyarrow find no pandas, which it would load for its first array of Python values.

    That takes a quarter of a second and 50 MB. Afterwards, `to_pandas` does not work in this process; a process that
    has loaded pandas keeps it.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    finder = _WithoutPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([""])  # it looks for pandas once, now
    finally:
        sys.meta_path.remove(finder)
