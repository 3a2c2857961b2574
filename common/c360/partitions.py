"""The clean zone as its readers see it: `clean/<dataset>/load_date=<day>/manifest.json` names the files of a day.

A partition is replaced as a whole: its files have new names, the manifest is written after them, and what it does not
name is removed after that. Readers read the files that it names, and nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date

from common.c360.manifest import ParquetFile
from common.c360.zones import load_folder
from common.errors import InputError
from common.storage.files import Folder

FORMAT = 1
NAME = "manifest.json"

_DAY = re.compile(rf"/load_date=(\d{{4}}-\d{{2}}-\d{{2}})/{re.escape(NAME)}$")


@dataclass(frozen=True)
class CleanSource:
    """A file of the archive that the rows are from.

    Attributes:
        name: below `archive/<dataset>/`, as in the column `source_file`.
        modified: when the archive got it, ISO 8601 in UTC.
        read: its rows, which are either kept or rejected.
    """

    name: str
    bytes: int
    modified: str
    read: int = 0
    kept: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Partition:
    """The rows of one day's files of a dataset; without files, it has none.

    Attributes:
        run: the run that wrote it.
    """

    dataset: str
    load_date: date
    files: tuple[ParquetFile, ...]
    sources: tuple[CleanSource, ...]
    run: str = ""

    @property
    def rows(self) -> int:
        """The rows of all its files."""
        return sum(file.rows for file in self.files)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its files below `clean`."""
        folder = load_folder(self.dataset, self.load_date)
        return tuple(f"{folder}/{file.name}" for file in self.files)


def partition_days(clean: Folder, dataset: str) -> list[date]:
    """The days of which the dataset has a partition, in ascending order."""
    found = (_DAY.search(f"/{entry.name}") for entry in clean.list(dataset))
    return sorted(date.fromisoformat(day[1]) for day in found if day)


def read_partition(clean: Folder, dataset: str, day: date) -> Partition | None:
    """The partition of that day; None if there is none.

    Raises:
        InputError: its manifest is none.
        StorageError: it cannot be read.
    """
    name = f"{load_folder(dataset, day)}/{NAME}"
    if not clean.exists(name):
        return None
    return _partition(clean.read(name), f"{clean.uri}/{name}")


def publish(clean: Folder, partition: Partition) -> None:
    """Makes these files, which are there, the partition; removes what else is in its folder.

    Raises:
        StorageError: the manifest cannot be written, or a file cannot be removed.
    """
    folder = load_folder(partition.dataset, partition.load_date)
    content = json.dumps({"format": FORMAT, **asdict(partition)}, indent=2, sort_keys=True, default=str) + "\n"
    clean.write(f"{folder}/{NAME}", content.encode())
    current = {*partition.names, f"{folder}/{NAME}"}
    for entry in clean.list(folder):
        if entry.name not in current:
            clean.delete(entry.name)


def _partition(content: bytes, place: str) -> Partition:
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise InputError(f"{place} has format {document['format']!r}, not {FORMAT}", "Install a later release")
        return Partition(
            document["dataset"],
            date.fromisoformat(document["load_date"]),
            tuple(ParquetFile(**file) for file in document["files"]),
            tuple(CleanSource(**source) for source in document["sources"]),
            document["run"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{place} is no manifest of a partition: {type(error).__name__}: {error}", "Run c360-clean again"
        ) from None
