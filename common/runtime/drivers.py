"""Runs the parts of a job: in processes of this machine, or on the executors of classic Spark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import BinaryIO, Generic, Protocol, TypeVar

import msgspec
import pyarrow as pa

CHUNK_BYTES = 4 * 1024 * 1024
_ROWS = "part long, rejects binary, result string"


class Part(Protocol):
    """A part of the work by its number, or what became of it."""

    @property
    def part(self) -> int:
        """The number."""


Task = TypeVar("Task", bound=Part)
Result = TypeVar("Result", bound=Part)


@dataclass(frozen=True)
class Work(Generic[Task, Result]):
    """What is done with each part.

    Attributes:
        function: of a module; it gets a task, and a file for the rejects of the part.
        result: the class of what it returns, which msgspec can write.
        name: of the job.
    """

    function: Callable[[Task, BinaryIO], Result]
    result: type[Result]
    name: str


def results(
    work: Work[Task, Result], tasks: Sequence[Task], scratch: Path, processes: int, on_spark: bool
) -> Iterator[Result]:
    """The results, as they come; each part's rejects are in its file in the scratch folder."""
    return _on_spark(work, tasks, scratch) if on_spark else _on_processes(work, tasks, scratch, processes)


def rejects_path(scratch: Path, part: int) -> Path:
    """The file with the rejects of a part."""
    return scratch / f"{part}.rejects"


def _on_processes(work: Work[Task, Result], tasks: Sequence[Task], scratch: Path, processes: int) -> Iterator[Result]:
    workers = min(processes, len(tasks))
    if workers <= 1:
        yield from (_into_file(work, scratch, task) for task in tasks)
        return
    context = get_context("forkserver")  # which loads the libraries once, for all of them
    context.set_forkserver_preload([work.function.__module__])
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_die_with_parent) as pool:
        try:
            futures = [pool.submit(_into_file, work, scratch, task) for task in tasks]
            yield from (future.result() for future in as_completed(futures))
        except BaseException:  # an interruption does not wait for the parts that are being written
            for worker in active_children():
                worker.kill()
            raise


def _into_file(work: Work[Task, Result], scratch: Path, task: Task) -> Result:
    with rejects_path(scratch, task.part).open("wb") as rejects:
        return work.function(task, rejects)


def _die_with_parent() -> None:
    """Ends this process as soon as its parent is gone, which may have been killed."""
    pa.set_cpu_count(1)
    parent = parent_process()
    if parent is not None:
        Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _on_spark(work: Work[Task, Result], tasks: Sequence[Task], scratch: Path) -> Iterator[Result]:
    from pyspark import StorageLevel
    from pyspark.sql import SparkSession

    session = SparkSession.builder.appName(work.name).getOrCreate()
    rows = session.range(0, len(tasks), 1, len(tasks)).mapInArrow(partial(_as_rows, work, list(tasks)), _ROWS)
    rows = rows.persist(StorageLevel.DISK_ONLY)  # all at once; reading them one partition after the other is cheap
    try:
        rows.count()
        files: dict[int, BinaryIO] = {}
        try:
            for part, rejects, result in rows.toLocalIterator():
                if part not in files:
                    files[part] = rejects_path(scratch, part).open("wb")
                files[part].write(rejects)
                if result is not None:
                    files[part].close()
                    yield msgspec.json.decode(result, type=work.result)
        finally:
            for file in files.values():
                file.close()
    finally:
        rows.unpersist()


def _as_rows(
    work: Work[Task, Result], tasks: Sequence[Task], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The rejects of each task in pieces, then its result."""
    import tempfile

    for batch in batches:
        for number in batch.column(0).to_pylist():
            task = tasks[number]
            with tempfile.TemporaryFile() as rejects:
                result = work.function(task, rejects)
                rejects.seek(0)
                while chunk := rejects.read(CHUNK_BYTES):
                    yield _row(task.part, chunk, None)
            yield _row(task.part, b"", msgspec.json.encode(result).decode())


def _row(part: int, rejects: bytes, result: str | None) -> pa.RecordBatch:
    columns = [pa.array([part], pa.int64()), pa.array([rejects], pa.binary()), pa.array([result], pa.string())]
    return pa.RecordBatch.from_arrays(columns, names=["part", "rejects", "result"])
