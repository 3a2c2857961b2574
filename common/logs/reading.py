"""Log files to parsed batches, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from common.logs import argus, ecs, panos, sls, zeek
from common.logs.batches import ParsedBatch, decoded, with_reject
from common.logs.blocks import BLOCK_BYTES, READ_BYTES, Block, blocks
from common.logs.detection import detect_format, format_of, read_head
from common.logs.files import file_size, open_file
from common.logs.options import ReadOptions
from common.logs.parquet import read_parquet

Parser = Callable[[Block], ParsedBatch]
Task = Callable[[], list[ParsedBatch]]

STATELESS = {"panos": panos.parse_block, "ecs": ecs.parse_block, "sls": sls.parse_block}
"""Formats whose blocks can be parsed each by itself."""

STATEFUL: dict[str, Callable[[str, str], Parser]] = {"zeek": zeek.Parser, "argus": argus.Parser}
"""Formats with a header, whose blocks have to be parsed in order."""

_TASKS_PER_THREAD = 3


def read_file(path: str, options: ReadOptions) -> Iterator[ParsedBatch]:
    """The file's records in its order, a batch for every few megabytes.

    Raises:
        InputError: the file cannot be opened.
        FormatError: its format is unknown, or is not the one that was named.
    """
    with open_file(path) as stream:
        head = stream.read(READ_BYTES)
        if (options.format or detect_format(head)) == "parquet":
            yield from read_parquet(stream, path, options.time_zone, options.column_mapping)
            return
        parser: Parser | None = None
        for block in blocks(stream, head):
            parser = parser or _parser(format_of(path, block.data, options), path, options)
            yield _parse(parser, block, path)


def read_files(paths: Sequence[str], options: ReadOptions, threads: int = 1) -> Iterator[ParsedBatch]:
    """The records of all files, in the order of the paths and lines, whatever the number of threads."""
    if threads <= 1:
        for path in paths:
            yield from read_file(path, options)
        return
    pending: deque[Future[list[ParsedBatch]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for path in paths:
            for task in _tasks(path, options):
                pending.append(pool.submit(task))
                if len(pending) >= threads * _TASKS_PER_THREAD:
                    yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _tasks(path: str, options: ReadOptions) -> Iterator[Task]:
    """The work of a file in parts that can run at the same time: a small file is one, a large one many."""
    if file_size(path) <= BLOCK_BYTES:
        yield lambda: list(read_file(path, options))
        return
    name = format_of(path, read_head(path), options)
    if name not in STATELESS:
        for batch in read_file(path, options):
            yield partial(list, [batch])
        return
    parser = _parser(name, path, options)
    with open_file(path) as stream:
        for block in blocks(stream):
            yield partial(_parse_alone, parser, block, path)


def _parser(name: str, path: str, options: ReadOptions) -> Parser:
    if name in STATEFUL:
        return STATEFUL[name](path, options.time_zone)
    return partial(STATELESS[name], source_file=path, zone=options.time_zone)


def _parse_alone(parser: Parser, block: Block, path: str) -> list[ParsedBatch]:
    return [_parse(parser, block, path)]


def _parse(parser: Parser, block: Block, path: str) -> ParsedBatch:
    batch = parser(block)
    if block.damage is None:
        return batch
    line, reason, raw = block.damage
    return with_reject(batch, path, line, reason, decoded(raw))
