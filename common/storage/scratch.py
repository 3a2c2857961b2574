"""Temporary folders of a run, removed at its end."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from pyarrow import fs

from common.storage.filesystems import engine_uri, subtree

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def scratch_folder(lake_uri: str) -> Iterator[Path]:
    """A temporary folder: below a local lake (the root may be read-only), else in the system's temporary folder."""
    base = Path(gettempdir()) if lake_uri.startswith("s3://") else Path(lake_uri)
    folder = base / "_scratch" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def seen_by_engine(folder: Path, lake_uri: str, session: SparkSession) -> Iterator[str]:
    """The location from which the engine reads the scratch folder.

    The folder itself, or a temporary copy below the lake if the lake is in S3 and executors run on other machines.
    """
    if not (lake_uri.startswith("s3://") and _is_elsewhere(session)):
        yield str(folder)
        return
    below = f"_scratch-{uuid.uuid4().hex}"
    files = subtree(lake_uri)
    fs.copy_files(str(folder), below, source_filesystem=fs.LocalFileSystem(), destination_filesystem=files)
    try:
        yield engine_uri(f"{lake_uri}/{below}", "spark")
    finally:
        if files.get_file_info(below).type == fs.FileType.Directory:  # S3 has no empty folders
            files.delete_dir(below)


def _is_elsewhere(session: SparkSession) -> bool:
    return not str(session.conf.get("spark.master", "local")).startswith("local")
