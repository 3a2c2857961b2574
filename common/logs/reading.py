"""Log files to parsed batches, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from common.logs import panos
from common.logs.batches import ParsedBatch, decoded, with_reject
from common.logs.blocks import BLOCK_BYTES, Block, blocks
from common.logs.detection import format_of_file
from common.logs.files import open_file
from common.logs.options import ReadOptions

Parser = Callable[[Block], ParsedBatch]


def _parser(path: str, options: ReadOptions) -> Parser:
    name = format_of_file(path, options)
    return partial(panos.parse_block, source_file=path, zone=options.time_zone)


def _parse(parser: Parser, block: Block, path: str) -> ParsedBatch:
    batch = parser(block)
    if block.damage is None:
        return batch
    line, reason, raw = block.damage
    return with_reject(batch, path, line, reason, decoded(raw))


def read_file(path: str, options: ReadOptions) -> Iterator[ParsedBatch]:
    """The file's records in its order, a batch for every few megabytes."""
    parser = _parser(path, options)
    with open_file(path) as stream:
        for block in blocks(stream):
            yield _parse(parser, block, path)


def read_files(paths: Sequence[str], options: ReadOptions, threads: int = 1) -> Iterator[ParsedBatch]:
    """The records of all files, in the order of the paths and lines, whatever the number of threads."""
    for path in paths:
        yield from read_file(path, options)
