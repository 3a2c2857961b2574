"""A temporary place in the lake for intermediate rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.lake.lake import Lake
from common.storage.scratch import shared_scratch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Staging:
    """Frames that are written one by one and read back together."""

    def __init__(self, session: SparkSession, location: str) -> None:
        self._session = session
        self._location = location
        self._paths: list[str] = []

    def add(self, frame: DataFrame) -> None:
        """Computes the frame and keeps its rows."""
        path = f"{self._location}/{len(self._paths):04d}"
        frame.write.mode("overwrite").parquet(path)
        self._paths.append(path)

    def read(self) -> DataFrame:
        """All rows added so far."""
        return self._session.read.parquet(*self._paths)


@contextmanager
def staging(lake: Lake, session: SparkSession, engine: str) -> Iterator[Staging]:
    """An empty staging place in the lake, removed at the end, even after a failure."""
    with shared_scratch(lake.uri, engine) as location:
        yield Staging(session, location)
