"""What killed runs left in a lake: temporary folders, and files of tables that nobody will ever commit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

from deltalake.exceptions import DeltaError
from pyarrow import fs

from common.errors import NdrError, StorageError, first_line
from common.lake.engine_files import LOG, PREFIX
from common.lake.reader import LakeReader
from common.storage.failures import failure_of
from common.storage.filesystems import subtree
from common.storage.scratch import left_by_the_dead, tables_being_written

COMMIT = re.compile(rf"{LOG}/[0-9]{{20}}[.]json")
UNFINISHED = re.compile(r".*([.]tmp|[.]parquet|#[0-9]+)|_commit_.*")
CLOCK_STEP_SECONDS = 2.0


def clear_up(lake: LakeReader) -> None:
    """Removes what killed runs left in the lake; what cannot be removed yet is left to a later run.

    Costs one listing if no run was killed.

    Raises:
        StorageError: the lake cannot be listed.
    """
    try:
        with left_by_the_dead(lake.uri) as places:
            for place in places:
                if not place.purpose or _removed(lake, place.purpose, place.made):
                    place.remove()
    except OSError as error:
        failure = failure_of(error, lake.uri)
        raise StorageError(
            f"the lake {lake.uri} cannot be used: {failure.cause if failure else first_line(error)}",
            failure.remedy if failure else "Check the lake's URI and the permissions",
        ) from error


def _removed(lake: LakeReader, table: str, since: float) -> bool:
    """Whether the files that a dead writer of the table has left since then are removed; False while others write it.

    The order makes it safe without comparing the clocks of writers. A writer names its table before its first file,
    and until its commit is done. So if nobody writes the table after its files were listed, each of them is either
    named by the log that is read last, or left by a dead writer. Older files are not touched: they may belong to
    versions whose log has been cleaned up, and VACUUM removes those.
    """
    files = subtree(lake.location(table))
    listed = files.get_file_info(fs.FileSelector("", recursive=True, allow_not_found=True))
    recent = {info.path: info for info in listed if info.is_file and info.mtime_ns / 1e9 >= since - CLOCK_STEP_SECONDS}
    if table in tables_being_written(lake.uri):
        return False
    try:
        named = lake.file_paths(table).union(*_named(files, since)) if lake.exists(table) else set()
    except (NdrError, DeltaError, OSError, ValueError):
        return False  # the stage that reads the table will say what is wrong with it
    for path in recent:
        if _may_be_left(path) and path not in named:
            with suppress(FileNotFoundError):
                files.delete_file(path)
    return True


def _named(files: fs.FileSystem, since: float) -> Iterator[set[str]]:
    """The files that each commit since then adds or removes; paths as they are and decoded."""
    for info in files.get_file_info(fs.FileSelector(LOG, allow_not_found=True)):
        if COMMIT.fullmatch(info.path) and info.mtime_ns / 1e9 >= since - CLOCK_STEP_SECONDS:
            with files.open_input_stream(info.path) as stream:
                actions = [json.loads(line) for line in bytes(stream.read()).splitlines()]
            paths = {entry["path"] for action in actions for entry in action.values() if "path" in entry}
            yield paths | {unquote(path) for path in paths}


def _may_be_left(path: str) -> bool:
    """Whether it is a file of a writer; checkpoints of the table's own log are Parquet files too."""
    if path.startswith(f"{LOG}/") and path.endswith(".parquet"):
        return False
    return path.startswith(PREFIX) or UNFINISHED.fullmatch(path.rpartition("/")[2]) is not None
