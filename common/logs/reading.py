"""Log files to parsed batches, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import BinaryIO

from common.logs.batches import ParsedBatch, decoded, hole_batch
from common.logs.blocks import BLOCK_BYTES, Block
from common.logs.detection import HEAD_BYTES, recognise, sniff, wrapping_of
from common.logs.file_parts import FilePart, pieces_of
from common.logs.files import file_size, open_file
from common.logs.holes import Hole
from common.logs.options import ReadOptions
from common.logs.packing import READ_BYTES, Damage, contents, is_plain
from common.logs.packing.encodings import as_utf8
from common.logs.registry import LogFormat, may_split, reader_of
from common.logs.source import Source
from common.logs.wrappers import MAY_BE_WRAPPED, Wrapping, records_in
from common.logs.wrappers.failures import in_runs

Task = Callable[[], list[ParsedBatch]]

_TASKS_PER_THREAD = 3


def read_file(path: str, options: ReadOptions) -> Iterator[ParsedBatch]:
    """The records of the file, in its order, in batches of a few megabytes.

    Raises:
        InputError: the file cannot be opened.
        FormatError: its format is unknown, or is not the one that was named.
    """
    yield from _read_part(FilePart(path), options)


def _read_part(part: FilePart, options: ReadOptions) -> Iterator[ParsedBatch]:
    """As `read_file`, of a part of a file.

    Raises:
        InputError: the file cannot be opened.
        FormatError: its format is unknown, or is not the one that was named.
    """
    with _opened(part, options) as (wrapping, reader, blocks, _):
        if reader:
            yield from _read(reader, part.path, options, map(wrapping.unwrap, blocks))


@contextmanager
def _opened(
    part: FilePart, options: ReadOptions
) -> Iterator[tuple[Wrapping, LogFormat | None, Iterator[Block], BinaryIO]]:
    """What is around the records of the file, their format, None if the file is empty; the part's blocks; the file."""
    with open_file(part.path) as stream:
        head, pieces = _begun(stream)
        if pieces is None:
            yield Wrapping(), None, iter(()), stream
            return
        wrapping, name = recognise(part.path, head, options)
        yield wrapping, reader_of(name), _blocks(part, wrapping, stream, pieces), stream


def _blocks(part: FilePart, wrapping: Wrapping, stream: BinaryIO, pieces: Iterator[bytes | Damage]) -> Iterator[Block]:
    """The blocks of a part of the file that has these contents."""
    if part.is_whole:
        return wrapping.blocks(pieces)
    found: Iterator[bytes | Damage] = pieces_of(part, stream)
    return wrapping.blocks(found if part.begin else as_utf8(found), part.first_line)


def may_divide(path: str, options: ReadOptions) -> bool:
    """Whether the lines of the file, in parts, can be read as those of the whole file."""
    with open_file(path) as stream:
        if not is_plain(stream.read(READ_BYTES)):
            return False
    with _opened(FilePart(path), options) as (wrapping, reader, blocks, _):
        first = next(blocks, None)
        return bool(reader and first and wrapping.depth is None and may_split(reader, wrapping.unwrap(first)))


def _begun(stream: BinaryIO) -> tuple[bytes, Iterator[bytes | Damage] | None]:
    """The start of the contents, and all of them; None if the file is empty."""
    pieces = contents(stream, stream.read(READ_BYTES))
    first: list[bytes | Damage] = []
    head = b""
    for piece in pieces:
        first.append(piece)
        if isinstance(piece, bytes):
            head += piece
        if len(head) >= HEAD_BYTES:
            break
    return head, chain(first, pieces) if any(first) else None


def read_records(part: FilePart) -> Iterator[tuple[int, bytes]]:
    """The records of a file of text as they stand in it, without what is around them, each with its line number."""
    with open_file(part.path) as stream:
        head, pieces = _begun(stream)
        wrapping = wrapping_of(head)
        for block in map(wrapping.unwrap, _blocks(part, wrapping, stream, pieces or iter(()))):
            for index, line in enumerate(block.data.removesuffix(b"\n").split(b"\n") if block.data else ()):
                yield block.number(index), line


def read_files(
    paths: Sequence[str], options: ReadOptions, threads: int = 1, read: Callable[[int], None] = lambda _: None
) -> Iterator[ParsedBatch]:
    """The records of all files, in the order of the paths and lines, whatever the number of threads.

    `read` is called after each part of a file with the number of its bytes, as stored.
    """
    yield from read_parts(map(FilePart, paths), options, threads, read)


def read_parts(
    parts: Iterable[FilePart], options: ReadOptions, threads: int = 1, read: Callable[[int], None] = lambda _: None
) -> Iterator[ParsedBatch]:
    """As `read_files`, of parts of files."""
    pending: deque[tuple[int, Future[list[ParsedBatch]]]] = deque()

    def first() -> Iterator[ParsedBatch]:
        size, future = pending.popleft()
        yield from future.result()
        read(size)

    if threads <= 1:
        for part in parts:
            for size, task in _tasks(part, options):
                yield from task()
                read(size)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for part in parts:
            for size, task in _tasks(part, options):
                pending.append((size, pool.submit(task)))
                if len(pending) >= threads * _TASKS_PER_THREAD:
                    yield from first()
        while pending:
            yield from first()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _tasks(part: FilePart, options: ReadOptions) -> Iterator[tuple[int, Task]]:
    """Reading a part of a file, in tasks that can run at the same time: one for a small part, many for a large one.

    Each comes with the number of bytes that it reads, as stored.
    """
    path = part.path
    size = (file_size(path) if part.end is None else part.end) - part.begin
    if size <= BLOCK_BYTES:
        yield size, lambda: list(_read_part(part, options))
        return
    with _opened(part, options) as (wrapping, reader, blocks, stream):
        if reader is None:
            return
        begun = next(blocks, None)
        given = blocks if begun is None else chain((begun,), blocks)
        if begun is None or not may_split(reader, wrapping.unwrap(begun)):
            for batch in _read(reader, path, options, map(wrapping.unwrap, given)):
                yield 0, partial(list, [batch])
            yield size, list
            return
        place = part.begin
        for block in given:
            before, place = place, max(place, stream.tell())
            yield place - before, partial(_read_all, reader, path, options, wrapping, block)


def _read_all(
    reader: LogFormat, path: str, options: ReadOptions, wrapping: Wrapping, block: Block
) -> list[ParsedBatch]:
    return list(_read(reader, path, options, (wrapping.unwrap(block),)))


def _read(reader: LogFormat, path: str, options: ReadOptions, given: Iterable[Block]) -> Iterator[ParsedBatch]:
    """What the readers make of the blocks: that of the file's format, and others where a document holds their logs."""
    if reader.NAME not in MAY_BE_WRAPPED:
        yield from _read_with(reader, path, options, given)
        return
    for block in given:
        for name, part in in_runs(block, lambda line: records_in(line, sniff)):
            yield from _read_with(reader_of(name) if name else reader, path, options, (part,))


def _read_with(reader: LogFormat, path: str, options: ReadOptions, given: Iterable[Block]) -> Iterator[ParsedBatch]:
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
