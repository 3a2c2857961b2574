"""Log files to parsed batches, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain

from common.logs.batches import ParsedBatch, decoded, hole_batch
from common.logs.blocks import BLOCK_BYTES, Block, blocks
from common.logs.detection import HEAD_BYTES, detect_format, format_of, read_head
from common.logs.files import file_size, open_file
from common.logs.gunzip import READ_BYTES
from common.logs.holes import Hole
from common.logs.options import ReadOptions
from common.logs.registry import LogFormat, reader_of
from common.logs.source import Source

Task = Callable[[], list[ParsedBatch]]

_TASKS_PER_THREAD = 3


def read_file(path: str, options: ReadOptions) -> Iterator[ParsedBatch]:
    """The records of the file, in its order, in batches of a few megabytes.

    Raises:
        InputError: the file cannot be opened.
        FormatError: its format is unknown, or is not the one that was named.
    """
    with open_file(path) as stream:
        head = stream.read(READ_BYTES)
        name = options.format or detect_format(head[:HEAD_BYTES])
        unpacked: Iterator[Block] = blocks(stream, head)
        if name is None or (
            options.columns and not options.format
        ):  # packed, perhaps: the first block shows the format
            first = next(unpacked, None)
            if first is None:
                return
            name = format_of(path, first.data, options)
            unpacked = chain((first,), unpacked)
        yield from _read(reader_of(name), path, options, unpacked)


def read_files(
    paths: Sequence[str], options: ReadOptions, threads: int = 1, read: Callable[[int], None] = lambda _: None
) -> Iterator[ParsedBatch]:
    """The records of all files, in the order of the paths and lines, whatever the number of threads.

    `read` is called after each part of a file with the number of its bytes, as stored.
    """
    pending: deque[tuple[int, Future[list[ParsedBatch]]]] = deque()

    def first() -> Iterator[ParsedBatch]:
        size, future = pending.popleft()
        yield from future.result()
        read(size)

    if threads <= 1:
        for path in paths:
            for size, task in _tasks(path, options):
                yield from task()
                read(size)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for path in paths:
            for size, task in _tasks(path, options):
                pending.append((size, pool.submit(task)))
                if len(pending) >= threads * _TASKS_PER_THREAD:
                    yield from first()
        while pending:
            yield from first()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _tasks(path: str, options: ReadOptions) -> Iterator[tuple[int, Task]]:
    """Reading the file, in tasks that can run at the same time: one for a small file, many for a large one.

    Each comes with the number of bytes that it reads, as stored.
    """
    size = file_size(path)
    if size <= BLOCK_BYTES:
        yield size, lambda: list(read_file(path, options))
        return
    reader = reader_of(format_of(path, read_head(path), options))
    if not reader.SPLITTABLE:
        for batch in read_file(path, options):
            yield 0, partial(list, [batch])
        yield size, list
        return
    with open_file(path) as stream:
        place = 0
        for block in blocks(stream):
            before, place = place, stream.tell()
            yield place - before, partial(_read_all, reader, path, options, block)


def _read_all(reader: LogFormat, path: str, options: ReadOptions, block: Block) -> list[ParsedBatch]:
    return list(_read(reader, path, options, (block,)))


def _read(reader: LogFormat, path: str, options: ReadOptions, given: Iterable[Block]) -> Iterator[ParsedBatch]:
    """What the reader makes of the blocks, and a batch for each damage after the lines that come before it."""
    damaged: deque[Block] = deque()

    def watched() -> Iterator[Block]:
        for block in given:
            if block.damage:
                damaged.append(block)
            yield block

    def holes() -> Iterator[ParsedBatch]:
        while damaged:
            block = damaged.popleft()
            if block.damage:
                hole = Hole(path, block.damage.reason, block.next_line, block.damage.missing_bytes)
                yield hole_batch(hole, decoded(block.cut))

    for batch in reader.read(Source(path, options, watched())):
        yield batch
        yield from holes()
    yield from holes()
