"""Why a table cannot be read or written: no access, damage, a fault of a worker, or what the library says."""

from __future__ import annotations

import json
from contextlib import suppress

from pyarrow import fs

from common.errors import CommitError, TableError, first_line, worker_cause
from common.storage.failures import failure_of
from common.storage.filesystems import subtree

REPEAT = "Run again; if it fails again, report it with the traceback that NDR_DEBUG=1 shows"


def unreadable(name: str, lake_uri: str, error: Exception) -> TableError:
    """The error of a table that cannot be read. Only damage that was found leads to the advice to restore it."""
    problem = f"table {name} in {lake_uri} cannot be read"
    if failure := failure_of(error, lake_uri):
        return TableError(f"{problem}: {failure.cause}", failure.remedy)
    if isinstance(error, FileNotFoundError):
        return TableError(
            f"{problem}: a file that its Delta log names is missing: {first_line(error)}",
            f"Restore the file, or the table, from a backup; or rebuild {name} with the stage that writes it",
        )
    if damage := _damage(f"{lake_uri}/{name}"):
        return TableError(
            f"table {name} in {lake_uri}: its Delta log is damaged: {damage}",
            f"Restore the file from a backup; or move the table away and rebuild {name} with the stage that writes it",
        )
    if cause := worker_cause(error):
        return TableError(f"{problem}: {cause.problem}", cause.remedy)
    return TableError(f"{problem}: {first_line(error)}", REPEAT)


def unwritable(name: str, lake_uri: str, error: Exception) -> CommitError:
    """The error of a write that was not committed."""
    problem = f"table {name} in {lake_uri} cannot be written"
    if failure := failure_of(error, lake_uri):
        return CommitError(f"{problem}: {failure.cause}", f"Nothing was committed. {failure.remedy}")
    if cause := worker_cause(error):
        return CommitError(f"{problem}: {cause.problem}", f"Nothing was committed. {cause.remedy}")
    return CommitError(f"{problem}: {first_line(error)}", f"Nothing was committed. {REPEAT}")


def _damage(location: str) -> str:
    """The first file of the Delta log that is not what it should be; "" if all are."""
    files = subtree(location)
    with suppress(OSError):
        for info in files.get_file_info(fs.FileSelector("_delta_log", allow_not_found=True)):
            if not info.path.endswith(".json"):
                continue
            with files.open_input_stream(info.path) as stream:
                lines = bytes(stream.read()).splitlines()
            for number, line in enumerate(lines, start=1):
                try:
                    json.loads(line)
                except ValueError:
                    return f"file {info.path}, line {number}, is not JSON"
            if not lines:
                return f"file {info.path} is empty"
    return ""
