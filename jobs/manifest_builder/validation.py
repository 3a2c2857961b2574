"""What makes an announced file invalid."""

from __future__ import annotations

from common.ingestion.items import BYTES_PER_MB

EXTENSIONS = (".ndjson", ".ndjson.gz")


def problem(object_key: str, size: int, expected_mb: float | None, tolerance_percent: float) -> str | None:
    """Why the file is invalid, in ASCII; None if it is valid.

    Sizes are in bytes, and in MB of 2^20 bytes; both bounds of the tolerance are valid, and without an expected size
    each is.
    """
    if not object_key.lower().endswith(EXTENSIONS):
        return f"invalid extension: the name ends neither in {EXTENSIONS[0]} nor in {EXTENSIONS[1]}"
    if expected_mb is None:
        return None
    expected, tolerance = expected_mb * BYTES_PER_MB, tolerance_percent / 100
    if expected * (1 - tolerance) <= size <= expected * (1 + tolerance):
        return None
    return f"size out of range: {size / BYTES_PER_MB:.6g} MB are not {expected_mb:g} MB within {tolerance_percent:g} %"
