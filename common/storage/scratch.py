"""Temporary folders of a run, removed when it ends."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from pyarrow import fs

from common.storage.filesystems import subtree

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def scratch_folder(lake_uri: str) -> Iterator[Path]:
    """A folder of this run: below a local lake, so that a read-only root suffices, else where temporary files go."""
    base = Path(gettempdir()) if lake_uri.startswith("s3://") else Path(lake_uri)
    folder = base / "_scratch" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def seen_by_engine(folder: Path, lake_uri: str, session: SparkSession) -> Iterator[str]:
    """Where the engine finds what is in a scratch folder: there itself.

    Where the lake is in S3 and the executors are on other machines: in a copy of the folder below the lake.
    """
    if not (lake_uri.startswith("s3://") and _is_elsewhere(session)):
        yield str(folder)
        return
    below = f"_scratch-{uuid.uuid4().hex}"
    files = subtree(lake_uri)
    fs.copy_files(str(folder), below, source_filesystem=fs.LocalFileSystem(), destination_filesystem=files)
    try:
        yield f"s3a://{lake_uri.removeprefix('s3://')}/{below}"
    finally:
        if files.get_file_info(below).type == fs.FileType.Directory:  # without files there is none
            files.delete_dir(below)


def _is_elsewhere(session: SparkSession) -> bool:
    return not str(session.conf.get("spark.master", "local")).startswith("local")
