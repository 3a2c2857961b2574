"""Reads firewall and flow logs of any known format as canonical sessions.

A name of the package is imported from its module when it is first used: who wants one module does not load all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.logs.batches import ParsedBatch
    from common.logs.counts import Counts
    from common.logs.detection import LogFiles, detect_format, find_logs
    from common.logs.duplicates import mark_duplicates
    from common.logs.files import find_files
    from common.logs.holes import Hole
    from common.logs.options import ReadOptions
    from common.logs.reading import read_file, read_files
    from common.logs.registry import FORMATS

__all__ = [
    "FORMATS",
    "Counts",
    "Hole",
    "LogFiles",
    "ParsedBatch",
    "ReadOptions",
    "detect_format",
    "find_files",
    "find_logs",
    "mark_duplicates",
    "read_file",
    "read_files",
]

_MODULES = {
    "FORMATS": "registry",
    "Counts": "counts",
    "Hole": "holes",
    "LogFiles": "detection",
    "ParsedBatch": "batches",
    "ReadOptions": "options",
    "detect_format": "detection",
    "find_files": "files",
    "find_logs": "detection",
    "mark_duplicates": "duplicates",
    "read_file": "reading",
    "read_files": "reading",
}


def __getattr__(name: str) -> Any:
    """The object of this name.

    Raises:
        AttributeError: there is none.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
