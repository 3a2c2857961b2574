"""The same work on each part of a run: on threads of this process, or by the workers of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from common.runtime.output import progress

if TYPE_CHECKING:
    from common.runtime.engine import Engine

Part = TypeVar("Part")
Result = TypeVar("Result")
DONE = "number long, result binary"
DONE_SCHEMA = pa.schema([("number", pa.int64()), ("result", pa.binary())])


def each_part(engine: Engine, work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """What the work makes of each part, in their order, as soon as it is there.

    On one machine, there are as many threads as processor cores, and Sail is not started. Classic Spark hands work and
    parts to its workers, so they and the results must be picklable and small: the work reads the lake and writes its
    files itself.
    """
    several = len(parts) > 1
    if several:
        progress(0, len(parts), "parts")
    for done, result in enumerate(_results(engine, work, parts), 1):
        if several:
            progress(done, len(parts), "parts")
        yield result


def _results(engine: Engine, work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    if engine.is_cluster:
        yield from _by_workers(engine, work, parts)
    else:
        yield from by_threads(work, parts)


def by_threads(work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """The results of threads of this process, one per processor core, in the order of the parts."""
    if len(parts) == 1:
        yield work(parts[0])
    else:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            try:
                yield from pool.map(work, parts)
            finally:
                pool.shutdown(cancel_futures=True)


def _by_workers(engine: Engine, work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """The results of classic Spark's workers, a task for each part.

    They work in the folder of this process, where they have it, so that relative paths name the same files.
    """
    from pyspark.serializers import CPickleSerializer

    packing, folder = CPickleSerializer(), Path.cwd()

    def done(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                with chdir(folder if folder.is_dir() else "."):
                    result = packing.dumps(work(parts[number]))
                yield pa.RecordBatch.from_pylist([{"number": number, "result": result}], DONE_SCHEMA)

    tasks = engine.session.range(0, len(parts), 1, len(parts))
    results = {row["number"]: row["result"] for row in tasks.mapInArrow(done, DONE).collect()}
    for number in range(len(parts)):
        yield packing.loads(results[number])
