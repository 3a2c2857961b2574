"""Which part of which file is read for which output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.ingestion.document import SourceFile
from common.ingestion.items import BYTES_PER_PART

SPLIT_BYTES = 32 * 1024 * 1024
"""A smaller file stays whole."""


@dataclass(frozen=True)
class Span:
    """The lines that begin at a byte of a file from `begin` to before `end`; without an `end`, the whole file.

    `index` is the place of the file in the manifest.
    """

    index: int
    file: SourceFile
    begin: int = 0
    end: int | None = None


def number_of_parts(sizes: Sequence[int]) -> int:
    """One for each 128 MiB begun, at least one."""
    return max(-(-sum(sizes) // BYTES_PER_PART), 1)


def spans_by_part(
    files: Sequence[SourceFile], sizes: Sequence[int], parts: int, may_be_split: Callable[[SourceFile], bool]
) -> list[list[Span]]:
    """The spans of each part, in the order of the manifest: as many bytes in each as far as files can be split.

    The same files always give the same parts, so that a run that is repeated replaces each of its files.
    """
    total = sum(sizes)
    bounds = [total * part // parts for part in range(parts + 1)]
    found: list[list[Span]] = [[] for _ in range(parts)]
    before = 0
    for index, (file, size) in enumerate(zip(files, sizes, strict=True)):
        first, last = _part_of(before, bounds), _part_of(max(before, before + size - 1), bounds)
        if first == last or size <= SPLIT_BYTES or not may_be_split(file):
            found[first].append(Span(index, file))
        else:
            for part in range(first, last + 1):
                begin, end = max(bounds[part] - before, 0), min(bounds[part + 1] - before, size)
                found[part].append(Span(index, file, begin, end))
        before += size
    return found


def _part_of(place: int, bounds: Sequence[int]) -> int:
    """The part in which a byte of all files together is; the last one for those behind."""
    return next((part for part in range(len(bounds) - 1) if place < bounds[part + 1]), len(bounds) - 2)
