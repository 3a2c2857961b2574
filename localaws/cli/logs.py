"""The log files of executions and of the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from localaws.cli.errors import LocalAwsError
from localaws.cli.histories import Histories, pipeline_executions
from localaws.cli.process import LocalAws

PAUSE_SECONDS = 0.2


def log_files(local: LocalAws, execution: str | None, step: str | None) -> list[Path]:
    """The logs of an execution of a state machine, pipeline or Glue job, or of a function, oldest first.

    Without one, it is the server's log.

    Raises:
        LocalAwsError: no log exists.
    """
    if execution is None:
        return [local.log_path]
    folder = local.home / "logs"
    identifier = execution.rpartition("/")[2].rpartition(":")[2]
    patterns = (f"*/{identifier}/*.log", f"glue/*/{identifier}.log", f"lambda/{identifier}.log")
    found = [path for pattern in patterns for path in folder.glob(pattern)]
    if not found:
        found = [path for arn in _pipelines_of(local, execution) for path in folder.glob(f"*/{arn}/*.log")]
    found = [path for path in found if step in (None, path.stem)]
    if not found:
        named = f" of the step {step}" if step else ""
        raise LocalAwsError(f"no log{named} of {execution} exists", "List executions with: ndr-local executions")
    return sorted(found, key=lambda path: path.stat().st_mtime)


def _pipelines_of(local: LocalAws, execution: str) -> Iterator[str]:
    """The ids of the pipeline executions started by the state machine execution with this name or ARN."""
    histories = Histories(local)
    for item in histories.executions(None, failed=False, last=10_000, details=False):
        if execution in (item.name, item.arn):
            yield from (arn.rpartition("/")[2] for arn in pipeline_executions(histories.events(item.arn)))


def follow(paths: list[Path], goes_on: Callable[[], bool]) -> Iterator[str]:
    """The content of the files, and what is appended until `goes_on` is false."""
    places = dict.fromkeys(paths, 0)
    while True:
        last = not goes_on()
        for path, place in places.items():
            with path.open(errors="replace") as file:
                file.seek(place)
                text = file.read()
                places[path] = file.tell()
            if text:
                yield text
        if last:
            return
        time.sleep(PAUSE_SECONDS)
