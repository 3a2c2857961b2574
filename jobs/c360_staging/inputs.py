"""The partitions of the clean zone that a snapshot is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial

from common.c360.datasets import DATASETS
from common.c360.partitions import Partition, partition_days, read_partition
from common.errors import InputError
from common.storage.files import Folder

FORMAT = 1
"""Of the staged tables; another one makes all runs new."""
THREADS = 8


@dataclass(frozen=True)
class Inputs:
    """The partitions with files of each dataset until a day, in the order of their days."""

    as_of: date
    partitions: Mapping[str, tuple[Partition, ...]]

    def days(self, dataset: str) -> tuple[date, ...]:
        """The days of which there are files."""
        return tuple(partition.load_date for partition in self.partitions[dataset])

    def rows(self, dataset: str) -> int:
        """The number of its rows."""
        return sum(partition.rows for partition in self.partitions[dataset])

    @property
    def run_id(self) -> str:
        """What the same input always gives: the first 16 digits of a hash of the day and the files."""
        files = sorted(
            (dataset, str(partition.load_date), file.name, file.sha256)
            for dataset, found in self.partitions.items()
            for partition in found
            for file in partition.files
        )
        return hashlib.sha256(json.dumps([FORMAT, str(self.as_of), files]).encode()).hexdigest()[:16]


def read_inputs(clean: Folder, as_of: date) -> Inputs:
    """The partitions of the days until `as_of`; of the plans, which have no history, only the last.

    Raises:
        InputError: there is none, or a manifest is none.
        StorageError: they cannot be read.
    """
    found = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for dataset in DATASETS:
            days = [day for day in partition_days(clean, dataset) if day <= as_of]
            read = pool.map(partial(read_partition, clean, dataset), days)
            found[dataset] = tuple(partition for partition in read if partition and partition.files)
    if not any(found.values()):
        raise InputError(f"{clean.uri} has no files of {as_of} or a day before", "Run c360-clean first")
    return Inputs(as_of, found | {"plans": found["plans"][-1:]})
