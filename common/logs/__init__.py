"""Reads firewall and flow logs of any known format as canonical sessions."""

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
