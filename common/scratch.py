"""Temporary folders of a run, removed when it ends."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir


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
