"""Temporary folders of a run, in places that the next run clears if this one is killed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pyarrow import fs

from common.errors import StorageError
from common.storage.filesystems import engine_uri, subtree
from common.storage.places import (
    OUTDATED_SECONDS,
    PREFIX,
    DeadPlace,
    dead_places,
    living_purposes,
    place,
    remove_dead_places,
)
from common.storage.plain_paths import plain_path, temporary_base
from common.storage.remote_places import RemotePlace, remote_place, remote_places

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BELOW_LAKE = "_scratch"
FORMER_STAGING = "_staging-*"


@contextmanager
def scratch_folder(lake_uri: str) -> Iterator[Path]:
    """A private folder: below a local lake (the root may be read-only), else in the system's temporary folder."""
    with place(_made_base(lake_uri)) as folder:
        yield folder


@contextmanager
def shared_scratch(lake_uri: str, engine: str) -> Iterator[str]:
    """The location of a folder in the lake that all processes of the engine can write to and read."""
    if not lake_uri.startswith("s3://"):
        with scratch_folder(lake_uri) as folder:
            yield str(folder)
        return
    with remote_place(lake_uri) as name:
        yield engine_uri(f"{lake_uri}/{name}", engine)


@contextmanager
def scratch_of_parts(lake_uri: str, is_cluster: bool) -> Iterator[str]:
    """The location of a folder that all parts of a run write to and read, with Arrow, wherever they run."""
    with shared_scratch(lake_uri, "sail") if is_cluster else scratch_folder(lake_uri) as location:
        yield str(location)


@contextmanager
def seen_by_engine(folder: Path, lake_uri: str, session: SparkSession) -> Iterator[str]:
    """The location from which the engine reads the scratch folder.

    The folder itself, or a temporary copy below the lake if the lake is in S3 and executors run on other machines.
    """
    if not (lake_uri.startswith("s3://") and _is_elsewhere(session)):
        yield str(folder)
        return
    with remote_place(lake_uri) as name:
        fs.copy_files(
            str(folder), name, source_filesystem=fs.LocalFileSystem(), destination_filesystem=subtree(lake_uri)
        )
        yield engine_uri(f"{lake_uri}/{name}", "spark")


@contextmanager
def writing(lake_uri: str, table: str) -> Iterator[None]:
    """Tells other runs that this one writes files of the table, which nothing refers to before they are committed."""
    with remote_place(lake_uri, table) if lake_uri.startswith("s3://") else place(_made_base(lake_uri), table):
        yield


def tables_being_written(lake_uri: str) -> set[str]:
    """The tables that a running process writes."""
    if lake_uri.startswith("s3://"):
        return {found.purpose for found in remote_places(lake_uri)[0]}
    return living_purposes(_local_base(lake_uri))


@contextmanager
def left_by_the_dead(lake_uri: str) -> Iterator[list[DeadPlace] | list[RemotePlace]]:
    """The places in the lake of processes that are gone; their purpose is the table that they were writing, if any.

    Removes those places of this machine's temporary folder, and what earlier releases left long ago, right away.

    Raises:
        OSError: the lake cannot be listed.
    """
    with suppress(StorageError):  # a container may have no temporary folder
        remove_dead_places(temporary_base())
    if lake_uri.startswith("s3://"):
        yield remote_places(lake_uri)[1]
        return
    _remove_former(Path(lake_uri))
    with dead_places(_local_base(lake_uri)) as places:
        yield places


def _local_base(lake_uri: str) -> Path:
    return temporary_base() if lake_uri.startswith("s3://") else Path(plain_path(lake_uri), BELOW_LAKE)


def _made_base(lake_uri: str) -> Path:
    """The folder of the lake's local places; a local lake's own folder is made, since its alias cannot be."""
    if not lake_uri.startswith("s3://"):
        Path(lake_uri).mkdir(parents=True, exist_ok=True)
    return _local_base(lake_uri)


def _remove_former(lake: Path) -> None:
    """Removes the temporary folders of earlier releases, which had no lock, when they are older than a day."""
    unlocked = (path for path in (lake / BELOW_LAKE).glob("*") if not path.name.startswith(PREFIX))
    for path in (*unlocked, *lake.glob(FORMER_STAGING)):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > OUTDATED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _is_elsewhere(session: SparkSession) -> bool:
    return not str(session.conf.get("spark.master", "local")).startswith("local")
