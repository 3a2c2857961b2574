"""The rows of the clean zone, each key once, and rows that are kept in a scratch folder to be read again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.c360.datasets import DATASETS, PROVENANCE
from common.c360.partitions import Partition
from common.contracts.types import ddl
from common.runtime.run_report import RunReport
from common.storage.filesystems import engine_uri
from common.storage.plain_paths import plain_path
from jobs.c360_staging import transform
from jobs.c360_staging.config import StagingConfig
from jobs.c360_staging.inputs import Inputs

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS_PER_SLICE = 1 << 22
"""Rows that a window function or the build side of a join holds at once, more or less."""
KEYS_PER_SLICE = 1 << 24
"""Hashes of keys that are counted at once."""


def slices_for(rows: int) -> int:
    """The number of slices in which so many rows fit in memory."""
    return max(1, math.ceil(rows / ROWS_PER_SLICE))


@dataclass
class Rows:
    """Reads the inputs of a run; `counts` are those of the rows that another one of the same key supersedes."""

    config: StagingConfig
    inputs: Inputs
    session: SparkSession
    scratch: str
    report: RunReport
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(_counted, DATASETS), 0))
    _superseded: dict[str, DataFrame | None] = field(default_factory=dict)

    def unique(self, dataset: str, number: int = 0, slices: int = 1) -> DataFrame:
        """The last row of each key, of all customers or a slice of them; of a snapshot, that of each day."""
        if dataset not in self._superseded:
            with self.report.step(f"duplicates of {dataset}"):
                self._superseded[dataset] = self._find_superseded(dataset)
        dropped = self._superseded[dataset]
        rows = self._rows(dataset, self.inputs.partitions[dataset])
        if dropped is not None:
            rows, dropped = (transform.slice_of(frame, ["customer_id"], number, slices) for frame in (rows, dropped))
            return transform.without(rows, dropped, _key(dataset))
        return transform.slice_of(rows, ["customer_id"], number, slices)

    def kept(self, name: str, frames: Iterable[DataFrame], *partitions: str) -> DataFrame | None:
        """The rows of the frames, written to the scratch folder one frame after the other; None without frames."""
        place, schema = f"{self.scratch}/{name}", None
        for frame in frames:
            schema = frame.schema
            frame.write.mode("append").partitionBy(*partitions).parquet(place)
        return self.session.read.schema(schema).parquet(place) if schema else None

    def _find_superseded(self, dataset: str) -> DataFrame | None:
        """The key, place and customer of the rows that are not the last ones of their key; None if there is none."""
        dropped = self.kept(f"superseded/{dataset}", self._superseded_by_part(dataset))
        self.counts[_counted(dataset)] = dropped.count() if dropped is not None else 0
        return dropped

    def _superseded_by_part(self, dataset: str) -> Iterator[DataFrame]:
        key = _key(dataset)
        for part, rows in enumerate(self._parts(dataset)):
            repeats = self.kept(f"repeated/{dataset}/{part}", [transform.repeated(rows, key)])
            total = repeats.agg(F.sum("rows")).collect()[0][0] if repeats is not None else 0
            slices = slices_for(total) if total else 0
            for number in range(slices):
                mine = transform.slice_of(rows, key, number, slices)
                yield transform.superseded(mine, key, repeats, ["customer_id"] if dataset == "activity_logs" else [])

    def _parts(self, dataset: str) -> Iterator[DataFrame]:
        """The rows of a dataset in parts none of whose keys is in two, each with so few that they can be counted."""
        partitions = self.inputs.partitions[dataset]
        if DATASETS[dataset].is_snapshot:  # the day is in the key
            yield from (self._rows(dataset, group) for group in _groups(partitions))
            return
        slices = math.ceil(self.inputs.rows(dataset) / KEYS_PER_SLICE)
        for number in range(slices):
            yield transform.slice_of(self._rows(dataset, partitions), _key(dataset), number, slices)

    def _rows(self, dataset: str, partitions: Iterable[Partition]) -> DataFrame:
        """The rows of some partitions of a dataset, with their business date."""
        columns = ddl((*DATASETS[dataset].columns, *PROVENANCE))
        root = engine_uri(plain_path(self.config.clean_uri), self.config.engine)
        paths = [f"{root}/{name}" for partition in partitions for name in partition.names]
        read = self.session.read.schema(columns)
        return transform.with_business_date(
            read.parquet(*paths) if paths else self.session.createDataFrame([], columns)
        )


def _counted(dataset: str) -> str:
    """The name of the count of superseded rows."""
    return f"duplicate_{dataset}"


def _key(dataset: str) -> tuple[str, ...]:
    """What two rows have in common of which one is superseded: a snapshot has each key once a day."""
    key = DATASETS[dataset].key
    return ("business_date", key) if DATASETS[dataset].is_snapshot else (key,)


def _groups(partitions: Iterable[Partition]) -> Iterator[list[Partition]]:
    """Successive partitions with no more rows than can be counted, or only one."""
    group: list[Partition] = []
    for partition in partitions:
        if group and sum(each.rows for each in group) + partition.rows > KEYS_PER_SLICE:
            yield group
            group = []
        group.append(partition)
    if group:
        yield group
