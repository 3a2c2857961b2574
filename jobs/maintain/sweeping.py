"""Files that no commit names any more, or that nobody will publish, and logs that no version needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote

from pyarrow import fs

from common.lake.engine_files import LOG
from common.lake.lake import Lake
from common.storage.files import Entry, Folder
from common.storage.filesystems import subtree

STAGING = ("_staged", "_publication")
"""Folders of the lake with files that wait for a publication."""
KEPT = timedelta(days=7)
LAST_CHECKPOINT = f"{LOG}/_last_checkpoint"


@dataclass(frozen=True)
class Unnamed:
    """Files of a table, and their size."""

    files: int
    bytes: int


def unnamed(lake: Lake, name: str) -> Unnamed:
    """The files that the table has not needed for a week: commits have removed them, or none ever named them."""
    paths = lake.current(name).vacuum(dry_run=True, full=True)
    files = subtree(lake.location(name))
    found = [info.size for path in paths if (info := files.get_file_info(unquote(path))).type == fs.FileType.File]
    return Unnamed(len(found), sum(found))


def commits_since_checkpoint(lake: Lake, name: str) -> int:
    """The number of commits that a reader of the table has to read one by one."""
    files = subtree(lake.location(name))
    if files.get_file_info(LAST_CHECKPOINT).type != fs.FileType.File:
        return lake.version(name) + 1
    with files.open_input_stream(LAST_CHECKPOINT, compression=None) as stream:
        return lake.version(name) - int(json.loads(stream.read())["version"])


def shorten_log(lake: Lake, name: str) -> None:
    """Writes a checkpoint, and removes the commits before the last 30 days."""
    delta = lake.current(name)
    delta.create_checkpoint()
    delta.cleanup_metadata()


def staged_long_ago(lake: Lake, now: datetime) -> list[Entry]:
    """The files that have waited for a publication for more than a week; names are relative to the lake."""
    folder = Folder(lake.uri)
    return [entry for below in STAGING for entry in folder.list(below) if entry.modified < now - KEPT]
